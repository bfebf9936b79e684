"""Create, pause, resume, delete: the one way to change things at Roboflow."""
