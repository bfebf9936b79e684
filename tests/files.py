"""What stands in the files of a running system."""

import os
from contextlib import suppress
from pathlib import Path


def contents(*folders: Path, but: str = "") -> dict[str, bytes]:
    """Every file below these folders, and what is in it; without the paths below them that contain the word `but`. A server at work removes files all the time: what went away
    between the listing and the reading is left out."""
    found: dict[str, bytes] = {}
    for folder in folders:
        for place, _, names in os.walk(folder):  # unlike rglob, it does not mind a folder that goes away
            for path in (Path(place) / name for name in names):
                if path.is_file() and not (but and but in str(path.relative_to(folder))):
                    with suppress(FileNotFoundError):
                        found[str(path)] = path.read_bytes()
    return found
