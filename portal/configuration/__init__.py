"""The forms of settings - addresses, URLs of servers, keys - and the system checks that report bad ones."""
