"""The administrator's page: parts, queue, syncs, calls."""
