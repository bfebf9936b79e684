"""The trail: who did what, when, why, from where, with what outcome. It only grows."""
