"""Log lines of deployments: harvested, kept, searched."""
