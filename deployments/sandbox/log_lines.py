"""The log of a deployment, generated on request: the same lines for the same deployment, time and seed."""

import hashlib
import heapq
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import NamedTuple

from deployments.sandbox.clock import Span
from deployments.sandbox.lifecycle import Deployment, Phase, compute_phases

# Lines of a phase: (offset, severity, text). The offset is in seconds, for START_UP a share of the boot time.
START_UP = (
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
SHUTDOWN = (
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
FAILURE = (
    (0.0, "ERROR", "ERROR:    Exception in ASGI application\n" + TRACEBACK),
    (0.1, "CRITICAL", "Back-off restarting failed container inference: OOMKilled, exit code 137"),
)
LINES_BY_STATUS = {
    "pending": START_UP,
    "ready": READY,
    "paused": SHUTDOWN,
    "deleted": SHUTDOWN,
    "expired": SHUTDOWN,
    "failed": FAILURE,
}
REQUESTS = (
    "POST /infer/object_detection HTTP/1.1",
    "POST /infer/workflows/{workspace}/count-and-track HTTP/1.1",
    "POST /infer/instance_segmentation HTTP/1.1",
    "GET /info HTTP/1.1",
    "GET /model/registry HTTP/1.1",
    "GET /healthz HTTP/1.1",
)
RESPONSES, RESPONSE_WEIGHTS = ("200 OK", "404 Not Found", "500 Internal Server Error"), (97, 2, 1)
# What real logs contain and a reader must be able to display: each is written every so many minutes.
OCCASIONAL = (
    (5, "WARNING", "WARNING:  Model cache miss for defects-v7/3, fetching weights took 2.41 s"),
    (
        7,
        "INFO",
        'INFO:     10.0.0.1:46296 - "GET /defects-v7/3?api_key={key}&image=frame.jpg HTTP/1.1" 200 OK',
    ),
    (9, "INFO", "\x1b[33mWARN\x1b[0m  \x1b[1;31mthroughput below target\x1b[0m: 11.2 fps"),
    (
        11,
        "ERROR",
        "<html><head><title>502 Bad Gateway</title></head>"
        "<body><script>alert(1)</script><b>nginx</b></body></html>",
    ),
    (13, "INFO", "Downloading weights:  10%\rDownloading weights:  60%\rDownloading weights: 100%"),
    (17, "ERROR", "ERROR:    Exception in ASGI application\n" + TRACEBACK),
    (29, "DEBUG", "DEBUG tensor dump: " + " ".join(f"{number * 0.0137:.4f}" for number in range(400))),
)


class LogLine(NamedTuple):
    """One log line. `at` is a Unix timestamp; `number` distinguishes lines that have the same time."""

    at: float
    severity: str
    payload: str
    number: str


def generate_lines(
    deployment: Deployment, *, start: float, end: float, key: str, seed: str
) -> Iterator[LogLine]:
    """Yield the lines with `start <= at <= end`, newest first.

    `start` and `end` are Unix timestamps. `key` is the API key that appears in some request lines. Lines are
    generated one minute at a time, so a caller that needs only the newest pays for nothing else.
    """
    phases = compute_phases(deployment)
    phase_ends = [phase.start for phase in phases[1:]] + [float("inf")]
    for phase, phase_end in reversed(list(zip(phases, phase_ends, strict=True))):
        if phase.start <= end and phase_end > start:
            for line in _phase_lines(deployment, phase, start, min(end, phase_end), key, seed):
                if max(start, phase.start) <= line.at <= end and line.at < phase_end:
                    yield line


def generate_stamped_lines(
    deployment: Deployment,
    spans: Iterable[Span],
    *,
    start: float,
    end: float,
    now: float,
    key: str,
    seed: str,
) -> Iterator[LogLine]:
    """Yield the lines written until `now` with `start <= at <= end` (Roboflow's time), newest first.

    `spans` are those of Roboflow's clock. `start` and `end` are by that clock, `now` is by this machine's.
    """
    streams = [
        _stamp_lines(deployment, span, start=start, end=end, now=now, key=key, seed=seed) for span in spans
    ]
    return heapq.merge(*streams, key=lambda line: line.at, reverse=True)


def to_api_object(line: LogLine, deployment: Deployment) -> dict[str, str]:
    """Return the log entry as Roboflow's API reports it.

    The timestamp always has six fraction digits and `+00:00`: Roboflow's client drops lines of another form.
    """
    return {
        "insert_id": hashlib.sha256(f"{deployment.deployment_id}:{line.number}".encode()).hexdigest()[:16],
        "payload": line.payload,
        "severity": line.severity,
        "timestamp": datetime.fromtimestamp(line.at, UTC).isoformat(timespec="microseconds"),
    }


def _stamp_lines(
    deployment: Deployment, span: Span, *, start: float, end: float, now: float, key: str, seed: str
) -> Iterator[LogLine]:
    """Yield the lines that were written in one span of Roboflow's clock, with their times by that clock."""
    lines = generate_lines(
        deployment,
        # A float of this size is exact to a quarter of a microsecond only: decide by the rounded time below.
        start=max(span.start, start - span.difference - 0.001),
        end=min(end - span.difference + 0.001, now, span.end),
        key=key,
        seed=seed,
    )
    for line in lines:
        stamped = line._replace(at=round(line.at + span.difference, 6))
        if line.at < span.end and start <= stamped.at <= end:
            yield stamped


def _phase_lines(
    deployment: Deployment, phase: Phase, start: float, end: float, key: str, seed: str
) -> Iterator[LogLine]:
    """Yield the lines of one phase, newest first; whole minutes, which may reach beyond `start` and `end`."""
    if phase.status == "ready":
        first_minute = int(max(start, phase.start) // 60)
        for minute in range(int(end // 60), first_minute - 1, -1):
            lines = _minute_lines(deployment, minute, key, seed)
            # Requests begin one second after the server is ready, behind the lines of READY.
            yield from (line for line in lines if line.at >= phase.start + 1)
    yield from reversed(list(_status_change_lines(deployment, phase)))


def _status_change_lines(deployment: Deployment, phase: Phase) -> Iterator[LogLine]:
    """Yield the lines that are written because the phase begins, oldest first."""
    booting = phase.status == "pending"
    values = {
        "version": deployment.inference_version,
        "machine": deployment.machine_type,
        "name": deployment.deployment_name,
    }
    for place, (offset, severity, text) in enumerate(LINES_BY_STATUS.get(phase.status, ())):
        yield LogLine(
            at=round(phase.start + offset * (phase.boot_seconds if booting else 1.0), 6),
            severity=severity,
            payload=text.format(**values) if booting else text,
            number=f"{phase.status}:{phase.start:.6f}:{place}",
        )


def _minute_lines(deployment: Deployment, minute: int, key: str, seed: str) -> list[LogLine]:
    """Return the lines of a minute of a ready deployment, newest first. Minutes count from the Unix epoch."""
    random = Random(f"{seed}:{deployment.deployment_id}:{minute}")
    written = [("INFO", _request_line(deployment, random)) for _ in range(random.randint(4, 10))]
    written += _occasional_lines(deployment, minute, key)
    random.shuffle(written)
    offsets = sorted(random.uniform(0, 59.9) for _ in written)
    if minute % 3 == 0:
        # Real logs contain lines with the same timestamp.
        offsets[1] = offsets[0]
    lines = [
        LogLine(round(minute * 60 + offset, 6), severity, payload, f"{minute}:{place}")
        for place, (offset, (severity, payload)) in enumerate(zip(offsets, written, strict=True))
    ]
    return lines[::-1]


def _request_line(deployment: Deployment, random: Random) -> str:
    """Return a line as uvicorn writes it for a request."""
    request = random.choice(REQUESTS).format(workspace=deployment.workspace)
    response = random.choices(RESPONSES, RESPONSE_WEIGHTS)[0]
    address = f"10.{random.randint(0, 3)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
    return f'INFO:     {address}:{random.randint(32768, 60999)} - "{request}" {response}'


def _occasional_lines(deployment: Deployment, minute: int, key: str) -> list[tuple[str, str]]:
    """Return severity and payload of the occasional lines that are due in this minute."""
    turn = minute + zlib.crc32(deployment.deployment_id.encode())
    return [
        (severity, payload.replace("{key}", key))
        for every, severity, payload in OCCASIONAL
        if turn % every == 0
    ]
