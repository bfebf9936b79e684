"""The one door out: everything that the portal says to Roboflow goes through here. Knows HTTP and nothing of Django."""
