"""Commands of the system room."""
