"""What people asked of Roboflow and what became of it: operations, their states, the table of kinds."""
