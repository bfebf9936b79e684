"""Each person's Roboflow API keys: sealed, checked, opened for one call."""
