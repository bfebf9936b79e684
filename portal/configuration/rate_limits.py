"""How often somebody may try: number/time/per whom, in allauth's notation (`ACCOUNT_RATE_LIMITS`)."""

RATE_LIMITS = {
    # of allauth
    "login": "60/m/ip",
    "login_failed": "20/m/ip,5/5m/key",
    "reset_password": "10/m/ip,3/m/key",
    "change_password": "5/m/user",
    # of the portal
    "confirm_password": "5/5m/key",
    "key_check": "10/m/user",
    "operation": "120/m/user",
    "batch": "6/m/user",
    "verify": "3/m/user",
    "sync": "12/m/key",
    "export": "120/m/user",
    "refusal": "120/m/user",
    "invite": "20/m/user",
}
