#!/usr/bin/env python
"""The command line of the portal: `manage.py help` lists every command."""

import os
import sys


def main() -> None:
    """Hand the command line to Django. What it writes - database, logs, secrets - is for its owner alone."""
    os.umask(0o077)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line  # after the settings are named

    from portal.call_stack import call_with_room

    call_with_room(execute_from_command_line, sys.argv)


if __name__ == "__main__":
    main()
