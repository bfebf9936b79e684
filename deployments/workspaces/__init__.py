"""Roboflow's workspaces, their members and roles, and the guard of every page of a workspace."""
