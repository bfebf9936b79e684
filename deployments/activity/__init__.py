"""The workspace's trail as its members see it."""
