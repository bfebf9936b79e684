"""Each person's Roboflow API keys: sealed at rest, checked with Roboflow, opened for one call."""
