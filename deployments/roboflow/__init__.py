"""The only code that talks to Roboflow's API. It knows HTTP and nothing of Django."""
