"""Collects, joins and compresses the static files, unless nothing changed since the last time."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

UNUSED = ["htmx-4*", "htmax-4*", "htmx-2.js", "ext"]  # of django-htmx: pages take htmx-2.min.js


class Command(BaseCommand):
    """`manage.py prepare_static`."""

    help = "Collect, join and compress the static files; do nothing if nothing changed."

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare the files if the stored fingerprint is not the current one."""
        stamp = Path(settings.STATIC_ROOT) / ".stamp"
        current = fingerprint()
        if stamp.exists() and stamp.read_text() == current:
            return
        call_command("collectstatic", interactive=False, clear=True, verbosity=0, ignore_patterns=UNUSED)
        call_command("compress", force=True, verbosity=0)
        cache = Path(settings.STATIC_ROOT) / "CACHE"
        if cache.exists():
            subprocess.run([sys.executable, "-m", "whitenoise.compress", "-q", str(cache)], check=True)
        stamp.write_text(current)


def fingerprint() -> str:
    """Return a hash of the static files, the templates, the requirements and the settings."""
    digest = hashlib.sha256()
    sources = [
        settings.BASE_DIR / "static",
        settings.BASE_DIR / "templates",
        settings.BASE_DIR / "requirements.txt",
        settings.BASE_DIR / "portal" / "settings.py",
    ]
    for source in sources:
        for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
            if path.is_file():
                digest.update(f"{path.relative_to(settings.BASE_DIR)}".encode() + path.read_bytes())
    return digest.hexdigest()
