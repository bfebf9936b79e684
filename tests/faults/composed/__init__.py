"""The campaign against the portal as Docker Compose runs it, with several of web and of each worker."""
