"""The people of a workspace: invitations, roles, removal."""
