"""Template tags of the workspaces room."""
