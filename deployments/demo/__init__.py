"""People and keys to play with."""
