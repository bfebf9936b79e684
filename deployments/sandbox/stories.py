"""What a deployment's server has written to its log: the same for the same seed, for every moment of its life."""

import hashlib
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

from deployments.sandbox.world import Deployment, Phase, phases

BOOTING = (
    (0.0, "INFO", "Pulling image roboflow/roboflow-inference-server:{version}"),
    (0.45, "INFO", "Successfully pulled image roboflow/roboflow-inference-server:{version}"),
    (0.55, "INFO", "Started container inference on {machine}"),
    (0.70, "INFO", "INFO:     Started server process [1]"),
    (0.72, "INFO", "INFO:     Waiting for application startup."),
    (
        0.85,
        "WARNING",
        "UserWarning: Specified provider 'TensorrtExecutionProvider' is not in available provider names.",
    ),
    (0.95, "INFO", "Inference version {version} for {name}: loading models into memory"),
)
READY = (
    (0.0, "INFO", "INFO:     Application startup complete."),
    (0.0, "INFO", "INFO:     Uvicorn running on http://0.0.0.0:9001 (Press CTRL+C to quit)"),
    (0.3, "INFO", "\x1b[32mINFO\x1b[0m:     \x1b[1mModels are warm\x1b[0m, ready for requests"),
)
STOPPING = (
    (0.0, "INFO", "INFO:     Shutting down"),
    (0.2, "INFO", "INFO:     Waiting for application shutdown."),
    (0.4, "INFO", "INFO:     Application shutdown complete."),
    (0.6, "INFO", "INFO:     Finished server process [1]"),
)
TRACEBACK = """Traceback (most recent call last):
  File "/app/inference/core/interfaces/http/http_api.py", line 214, in wrapped_route
    return await route(*args, **kwargs)
  File "/app/inference/core/managers/base.py", line 171, in infer_from_request
    rtn_val = await self.model_infer(model_id=model_id, request=request, **kwargs)
  File "/app/inference/core/utils/image_utils.py", line 88, in load_image
    raise InputImageLoadError("Could not decode the image that was sent")
inference.core.exceptions.InputImageLoadError: Could not decode the image that was sent"""
FAILING = (
    (0.0, "ERROR", "ERROR:    Exception in ASGI application\n" + TRACEBACK),
    (0.1, "CRITICAL", "Back-off restarting failed container inference: OOMKilled, exit code 137"),
)
TALES = {
    "ready": READY,
    "paused": STOPPING,
    "deleted": STOPPING,
    "expired": STOPPING,
    "failed": FAILING,
}
REQUESTS = (
    "POST /infer/object_detection HTTP/1.1",
    "POST /infer/workflows/{workspace}/count-and-track HTTP/1.1",
    "POST /infer/instance_segmentation HTTP/1.1",
    "GET /info HTTP/1.1",
    "GET /model/registry HTTP/1.1",
    "GET /healthz HTTP/1.1",
)
LONG_LINE = "DEBUG tensor dump: " + " ".join(f"{number * 0.0137:.4f}" for number in range(400))


class Line(NamedTuple):
    """One log line; `number` tells lines apart that share a time."""

    at: float
    severity: str
    payload: str
    number: str


def lines(deployment: Deployment, *, start: float, end: float, key: str, seed: str) -> Iterator[Line]:
    """The lines with `start <= at <= end`, newest first, made only as far as they are taken."""
    life = phases(deployment)
    stops = [phase.start for phase in life[1:]] + [float("inf")]
    for phase, stop in reversed(list(zip(life, stops, strict=True))):
        if phase.start <= end and stop > start:
            inside = (
                line
                for line in _of_phase(deployment, phase, start, min(end, stop), key, seed)
                if line.at < stop
            )
            yield from (line for line in inside if max(start, phase.start) <= line.at <= end)


def as_reported(line: Line, deployment: Deployment) -> dict[str, str]:
    """The object of Roboflow's API: six fraction digits and +00:00 always, or its own client drops the line."""
    return {
        "insert_id": hashlib.sha256(f"{deployment.deployment_id}:{line.number}".encode()).hexdigest()[:16],
        "payload": line.payload,
        "severity": line.severity,
        "timestamp": datetime.fromtimestamp(line.at, UTC).isoformat(timespec="microseconds"),
    }


def _of_phase(
    deployment: Deployment, phase: Phase, start: float, end: float, key: str, seed: str
) -> Iterator[Line]:
    if phase.word == "ready":
        for minute in range(int(end // 60), int(max(start, phase.start) // 60) - 1, -1):
            yield from (
                line for line in _of_minute(deployment, minute, key, seed) if line.at >= phase.start + 1
            )
    yield from reversed(list(_tale(deployment, phase)))


def _tale(deployment: Deployment, phase: Phase) -> Iterator[Line]:
    """What is written when a phase begins; a start-up spreads over its length."""
    booting = phase.word == "pending"
    for place, (offset, severity, text) in enumerate(BOOTING if booting else TALES.get(phase.word, ())):
        at = phase.start + offset * (phase.seconds if booting else 1.0)
        words = {
            "version": deployment.inference_version,
            "machine": deployment.machine_type,
            "name": deployment.deployment_name,
        }
        payload = text.format(**words) if booting else text
        yield Line(round(at, 6), severity, payload, f"{phase.word}:{phase.start:.6f}:{place}")


def _of_minute(deployment: Deployment, minute: int, key: str, seed: str) -> list[Line]:
    """The requests of one minute and what else happened in it, newest first. Sometimes two share a time."""
    chance = Random(f"{seed}:{deployment.deployment_id}:{minute}")
    written = [("INFO", _request(deployment, chance)) for _ in range(chance.randint(4, 10))] + _rarities(
        deployment, minute, key
    )
    chance.shuffle(written)
    times = sorted(chance.uniform(0, 59.9) for _ in written)
    if minute % 3 == 0:
        times[1] = times[0]
    found = [
        Line(round(minute * 60 + at, 6), severity, payload, f"{minute}:{place}")
        for place, (at, (severity, payload)) in enumerate(zip(times, written, strict=True))
    ]
    return found[::-1]


def _request(deployment: Deployment, chance: Random) -> str:
    asked = chance.choice(REQUESTS).format(workspace=deployment.workspace)
    answer = chance.choices(("200 OK", "404 Not Found", "500 Internal Server Error"), (97, 2, 1))[0]
    caller = f"10.{chance.randint(0, 3)}.{chance.randint(0, 255)}.{chance.randint(1, 254)}:{chance.randint(32768, 60999)}"
    return f'INFO:     {caller} - "{asked}" {answer}'


def _rarities(deployment: Deployment, minute: int, key: str) -> list[tuple[str, str]]:
    """What logs really carry and a reader must bear: keys, HTML, colours, carriage returns, long lines, tracebacks."""
    turn = minute + zlib.crc32(deployment.deployment_id.encode())
    rarities = (
        (5, "WARNING", "WARNING:  Model cache miss for defects-v7/3, fetching weights took 2.41 s"),
        (
            7,
            "INFO",
            f'INFO:     10.0.0.1:46296 - "GET /defects-v7/3?api_key={key}&image=frame.jpg HTTP/1.1" 200 OK',
        ),
        (9, "INFO", "\x1b[33mWARN\x1b[0m  \x1b[1;31mthroughput below target\x1b[0m: 11.2 fps"),
        (
            11,
            "ERROR",
            "<html><head><title>502 Bad Gateway</title></head><body><script>alert(1)</script><b>nginx</b></body></html>",
        ),
        (13, "INFO", "Downloading weights:  10%\rDownloading weights:  60%\rDownloading weights: 100%"),
        (17, "ERROR", "ERROR:    Exception in ASGI application\n" + TRACEBACK),
        (29, "DEBUG", LONG_LINE),
    )
    return [(severity, payload) for every, severity, payload in rarities if turn % every == 0]
