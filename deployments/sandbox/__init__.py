"""An imitation of Roboflow over real HTTP, for the demo and for tests: imports nothing of ours, and nobody imports it."""
