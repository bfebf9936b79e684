"""Read, store and search the log lines of deployments."""
