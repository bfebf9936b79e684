"""One machine: starts broker, web, worker and beat as children."""
