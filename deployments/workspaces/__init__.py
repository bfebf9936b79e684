"""Workspaces of Roboflow, their members and roles; the only way in."""
