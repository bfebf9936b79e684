"""The System page for administrators, and the commands `backup` and `restore`."""
