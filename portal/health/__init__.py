"""Is the machine alive: heartbeats, /healthz, /readyz."""
