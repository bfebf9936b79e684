"""Commands of the keys room."""
