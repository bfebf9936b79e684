"""Template tags of the activity room."""
