"""The template tags of the trail."""
