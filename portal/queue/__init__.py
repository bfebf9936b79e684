"""How work reaches the workers: published by name, guarded by leases in the database."""
