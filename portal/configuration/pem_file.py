"""Files of certificates and keys that options of DATABASE_URL and REDIS_URL name."""

from pathlib import Path

from portal.environment import BadSetting

BEGINS = b"-----BEGIN "  # how each certificate, key or revocation list in a PEM file begins
LONGEST_FILE = 4 * 1024 * 1024  # bytes; the authorities of a whole system have 0.3 MB


def check_pem_file(option: str, path: str) -> None:
    """Refuse a file that cannot be read, or holds nothing in PEM form. Raises BadSetting."""
    try:
        with Path(path).open("rb") as file:
            content = file.read(LONGEST_FILE)
    except FileNotFoundError:
        raise BadSetting(f'has an option "{option}" that names no file that is there.') from None
    except OSError as error:
        raise BadSetting(f'has an option "{option}" whose file cannot be read: {error.strerror}.') from None
    if BEGINS not in content:
        raise BadSetting(f'has an option "{option}" whose file holds no certificate or key in PEM form.')
