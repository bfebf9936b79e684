"""The cache of what Roboflow reports, kept in step, and its pages."""
