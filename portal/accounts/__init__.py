"""People: who they are, how they sign in, how the first one gets in."""
