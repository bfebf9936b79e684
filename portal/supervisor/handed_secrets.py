"""Which secrets each service of docker-compose.yml is given: a folder of its own with what it needs, no more.

All secrets are made in one folder, which only the service `secrets` sees. From there each one is copied into
the folders of the services that use it; every folder is a volume that this service alone mounts.
"""

from pathlib import Path

from portal.environment import make_secret, read_secret_file, read_setting

DATABASE, BROKER = "POSTGRES_PASSWORD", "REDIS_PASSWORD"
VAULT, TRAIL, DJANGO = "PORTAL_VAULT_KEYS", "PORTAL_TRAIL_KEY", "PORTAL_SECRET_KEY"
OWNER, SUPERUSER = "POSTGRES_OWNER_PASSWORD", "POSTGRES_SUPERUSER_PASSWORD"
HANDED_OUT: dict[str, tuple[str, ...]] = {
    "web": (DJANGO, VAULT, TRAIL, DATABASE, BROKER),  # the trail key: pages and commands verify with it
    "worker-act": (VAULT, DATABASE, BROKER),
    "worker-read": (VAULT, DATABASE, BROKER),
    "worker-tick": (VAULT, TRAIL, DATABASE, BROKER),  # signs the head of the trail
    "beat": (DATABASE, BROKER),
    "init": (DJANGO, VAULT, TRAIL, OWNER),  # prints the set-up link; restores back-ups and verifies them
    "roles": (DATABASE, OWNER),
    "redis": (BROKER,),
    "postgres": (SUPERUSER,),
}


def keep_secret(name: str, folder: Path) -> str:
    """Return the secret `name`: what the environment gives, else what `folder` has, else a new one.

    It is kept in `folder`, readable for its owner alone. Raises BadSetting.
    """
    if given := read_setting(name):
        write_secret(folder / name.lower(), given, mode=0o600)
    secret = make_secret(name, folder)
    (folder / name.lower()).chmod(0o600)
    return secret


def hand_out(names: tuple[str, ...], *, source: Path, target: Path) -> None:
    """Copy the secrets `names` from `source` into `target`, and remove every other file there.

    Services read them under users of their own, so each user may; but only their container sees the folder.
    """
    wanted = {name.lower() for name in names}
    for path in target.iterdir():
        if path.name not in wanted:
            path.unlink()
    for name in sorted(wanted):
        write_secret(target / name, read_secret_file(source / name), mode=0o444)


def write_secret(path: Path, text: str, *, mode: int) -> None:
    """Replace a file as a whole: whoever reads it meanwhile gets the old or the new text."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)  # of a start that was interrupted
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.chmod(mode)
    draft.replace(path)
