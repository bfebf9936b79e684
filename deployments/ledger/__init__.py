"""What people asked of Roboflow and what became of it: operations, their states, and the one table of kinds."""
