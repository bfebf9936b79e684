"""The cache of what Roboflow reports, kept up to date by syncs, and its pages."""
