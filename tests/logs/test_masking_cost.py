"""Masking every key in every spelling costs at most half again of what storing lines cost before."""

import random
import re
import string
import time
from datetime import timedelta

from django.utils.timezone import now

from deployments.keys.check import store_key
from deployments.keys.seal import fingerprint_of
from deployments.logs import store as harvesting
from deployments.logs.meaning import meaning_of
from deployments.logs.models import Harvest, Line, NewLine
from deployments.roboflow.mask import Secret
from deployments.roboflow.schema import LogLine, LogPage
from tests.people import make_person

LINES = 1000
KEYS = 10
TIMES = 9
LETTERS = string.ascii_letters + string.digits
PAYLOADS = [  # what a deployment logs
    'INFO:     10.0.0.1:46296 - "GET /defects-v7/3?api_key={key}&image=frame.jpg HTTP/1.1" 200 OK',
    "\x1b[32m2026-01-31 12:00:00\x1b[0m | INFO | inference.core.managers.base:add_model:58 - Model loaded"
    " on cuda:0 in 2.31 s",
    '{"level": "info", "event": "request_finished", "path": "/infer/workflows/acme/detect",'
    ' "duration_ms": 35.1, "request_id": "0f8fad5bd9cb469fa16570867728950e"}',
    'Traceback (most recent call last):\n  File "/usr/local/lib/python3.11/site-packages/uvicorn/protocols/'
    'http/httptools_impl.py", line 411, in run_asgi\n    result = await app(scope, receive, send)\nValueE',
    "prediction done: 12 objects, confidence 0.91, image 1920x1080, model pallets/7",
    "GPU memory: 35% used, 5120 MiB / 15360 MiB; temperature 61 C",
]
FORMER_PATTERNS = [
    re.compile(
        r"(?i)(api_?key(?:\\*[\"']?\s*[:=]\s*\\*[\"']?|%22%3A%22|%22%3A%20%22|%3D))[^\s&\"'\\,;)}<>%]+"
    ),
    re.compile(r"(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{6,}"),
]
FORMER_WORD = re.compile(r"[A-Za-z0-9_-]{12,200}")


class FormerMasker:
    """What masked log lines before: two patterns, and each long word by its fingerprint."""

    def __init__(self):
        self.known = {fingerprint_of("x" * 20)}

    def mask(self, text):
        for pattern in FORMER_PATTERNS:
            text = pattern.sub(r"\g<1>***", text)
        return FORMER_WORD.sub(lambda word: "***" if fingerprint_of(word[0]) in self.known else word[0], text)


def former_lines(deployment, lines):
    """Return the rows of log lines as they were made before."""
    masker, rows = FormerMasker(), []
    for line in lines:
        payload = masker.mask(line.payload)
        meaning = meaning_of(payload, line.severity)
        row = NewLine(
            deployment_id=deployment.pk,
            insert_id=line.insert_id,
            timestamp=line.timestamp,
            severity=line.severity,
            payload=payload,
            text="" if meaning.text == payload else meaning.text,
            level=meaning.level,
            kind=meaning.kind,
        )
        rows.append((row, meaning))
    return rows


def page_of_lines(rng, part):
    return LogPage(
        [
            LogLine(
                insert_id=f"{part}-{number}",
                timestamp=now() - timedelta(milliseconds=number),
                severity="INFO",
                payload=PAYLOADS[number % len(PAYLOADS)].replace(
                    "{key}", "".join(rng.choices(LETTERS, k=20))
                ),
            )
            for number in range(LINES)
        ],
        [],
    )


def seconds_to_store(state, page):
    """Return the seconds of CPU that storing a page takes."""
    Line.objects.all().delete()
    started = time.process_time()
    harvesting.store_lines(state, page)
    return time.process_time() - started


def test_storing_a_thousand_lines_costs_at_most_one_and_a_half_times_as_much(ana, fleet, monkeypatch):
    rng = random.Random(14)
    for number in range(KEYS):
        secret = Secret("".join(rng.choices(LETTERS, k=20)))
        person = make_person(f"P{number}")
        store_key(secret, user=person.user, workspace=None, label="", region="us", now=now())
    state = Harvest.objects.create(
        deployment=fleet["pallet-counter"], workspace=fleet["pallet-counter"].workspace
    )
    former, current = [], []

    for part in range(TIMES):
        page = page_of_lines(rng, part)
        current.append(seconds_to_store(state, page))
        with monkeypatch.context() as before:
            before.setattr(harvesting, "masked_lines", former_lines)
            former.append(seconds_to_store(state, page))

    print(f"{min(current) * 1000:.0f} ms, before {min(former) * 1000:.0f} ms")
    assert min(current) <= 1.5 * min(former)
