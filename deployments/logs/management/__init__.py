"""Management commands of the logs room."""
