"""What all pages share; no models."""
