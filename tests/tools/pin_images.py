"""Write the digests of the base images into .env: from then on, Docker uses exactly these and no newer ones.

`make pin` pulls each image by its tag and writes, for example, POSTGRES_IMAGE='postgres:17@sha256:...'. Run
it again for newer ones. Without these lines Docker uses the tags.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = re.compile(r"\$\{([A-Z]+_IMAGE):-([a-z0-9/._:-]+)\}")  # as docker-compose.yml names them
PULL_SECONDS = 600


class NotPinned(Exception):
    """An image has no digest; the message is a sentence for a person."""


def images_of(text: str) -> dict[str, str]:
    """Return setting to image with its tag, as a compose file has them."""
    return dict(IMAGES.findall(text))


def digest_of(image: str) -> str:
    """Pull an image and return it with its digest. Raises NotPinned."""
    pulled = run_docker("pull", "--quiet", image)
    if pulled.returncode:
        raise NotPinned(f"{image} cannot be pulled: {last_line(pulled.stderr)}")
    told = run_docker("image", "inspect", "--format", "{{json .RepoDigests}}", image)
    digests = json.loads(told.stdout or "null") or []
    if not digests:
        raise NotPinned(f"{image} has no digest here: it was not pulled from a registry.")
    return f"{image}@{digests[0].rpartition('@')[2]}"


def run_docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Docker. Raises NotPinned without Docker."""
    try:
        return subprocess.run(
            ["docker", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=PULL_SECONDS,
        )
    except FileNotFoundError:
        raise NotPinned("docker is not installed.") from None
    except subprocess.TimeoutExpired:
        raise NotPinned(f"docker {arguments[0]} did not end within {PULL_SECONDS} s.") from None


def last_line(text: str) -> str:
    """Return the last line of a program's output."""
    return (text.strip().splitlines() or ["no reason was given"])[-1]


def with_lines(text: str, pinned: dict[str, str]) -> str:
    """Return the content of .env with the lines of `pinned`; all others stay as they are."""
    kept = [line for line in text.splitlines() if line.partition("=")[0].strip() not in pinned]
    return "\n".join([*kept, *(f"{name}='{image}'" for name, image in pinned.items())]) + "\n"


def main() -> int:
    """Pin all images, or none. Return the exit code."""
    try:
        images = images_of((ROOT / "docker-compose.yml").read_text())
        pinned = {name: digest_of(image) for name, image in images.items()}
    except NotPinned as problem:
        print(f"Not pinned: {problem}", file=sys.stderr)
        return 1
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".env"
    path.touch(mode=0o600)  # it may hold secrets
    path.write_text(with_lines(path.read_text(), pinned))
    print("\n".join(pinned.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
