"""Template tags of the fleet room."""
