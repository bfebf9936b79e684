"""The pages of the trail: one workspace for its members, the whole trail for administrators of the portal."""
