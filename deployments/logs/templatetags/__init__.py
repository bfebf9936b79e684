"""Template tags of the logs room."""
