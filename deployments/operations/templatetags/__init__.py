"""Template tags of the operations room."""
