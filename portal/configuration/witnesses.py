"""The setting that says where signed heads of the trail are kept outside the database."""

from pathlib import Path
from urllib.parse import urlsplit

from portal.environment import BadSetting, Environment


def witness_setting(env: Environment, home: Path) -> list[str]:
    """Return PORTAL_TRAIL_WITNESS; without it, a file in the portal's home."""
    return env.parsed_setting("PORTAL_TRAIL_WITNESS", str(home / "trail-heads.jsonl"), parse_witnesses)


def parse_witnesses(text: str) -> list[str]:
    """Return the files and https:// addresses that keep signed heads; none for "none". Raises BadSetting."""
    places = [place for part in text.split(",") if (place := part.strip())]
    if places == ["none"]:
        return []
    for place in places:
        is_address = place.startswith("https://") and urlsplit(place).hostname
        if not is_address and not place.startswith("/"):
            # The entry is not repeated: an address can hold a token.
            raise BadSetting(
                "has a bad entry: write a file with its whole path, an https:// address, or none."
            )
    return places
