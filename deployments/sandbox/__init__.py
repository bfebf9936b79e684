"""An imitation of Roboflow's HTTP API for the demo and the tests; it imports nothing else of this project."""
