"""Read the files that a running system wrote."""

import os
from contextlib import suppress
from pathlib import Path


def contents(*folders: Path, but: str = "") -> dict[str, bytes]:
    """Return path to content of every file below the folders, without paths below them that contain `but`.

    A running server removes files at any time: a file that is gone before it is read is left out.
    """
    found: dict[str, bytes] = {}
    for folder in folders:
        for place, _, names in os.walk(folder):  # unlike rglob, it ignores a folder that is gone
            for path in (Path(place) / name for name in names):
                if path.is_file() and not (but and but in str(path.relative_to(folder))):
                    with suppress(FileNotFoundError):
                        found[str(path)] = path.read_bytes()
    return found
