"""Requests that lines report: method, path, model, status and time, where the line tells them."""

import json

import pytest

from deployments.logs.meaning import meaning_of
from deployments.logs.request_lines import RequestLine, model_of_path, time_in


@pytest.mark.parametrize(
    ("payload", "request_line"),
    [
        (
            'INFO:     10.0.0.1:46296 - "GET /defects-v7/3?api_key=***&image=a.jpg HTTP/1.1" 200 OK',
            RequestLine("GET", "/defects-v7/3", 200, "defects-v7/3"),
        ),
        (
            '10.0.0.1 - - "POST /infer/workflows/acme/count HTTP/2.0" 502 157 "-" "curl/8" 0.250',
            RequestLine("POST", "/infer/workflows/acme/count", 502, "acme/count", 250.0),
        ),
        (
            '\x1b[32mINFO\x1b[0m:     10.0.0.1:1 - "POST /infer/object_detection HTTP/1.1" 200 OK in 35.5 ms',
            RequestLine("POST", "/infer/object_detection", 200, "", 35.5),
        ),
        (
            json.dumps(
                {"method": "post", "path": "/a?b=c", "status_code": 503, "latency_ms": 12, "model_id": "x/1"}
            ),
            RequestLine("POST", "/a", 503, "x/1", 12.0),
        ),
        (
            json.dumps({"method": "GET", "url": "/shop/7", "status": "404", "duration": "1.5s"}),
            RequestLine("GET", "/shop/7", 404, "shop/7", 1500.0),
        ),
        ('INFO: "GET /x HTTP/1.1" 200 OK, 3 items', RequestLine("GET", "/x", 200)),
    ],
)
def test_a_request_is_read_from_its_line(payload, request_line):
    assert meaning_of(payload, "INFO").request == request_line


@pytest.mark.parametrize(
    "payload",
    [
        "prediction done",
        '"GET /x HTTP/1.1" without a status',
        '"GET /x HTTP/1.1" 999',
        "sent GET /x HTTP/1.1 200",
        '{"method": "GET", "path": "/x"}',
        '{"method": "GET", "path": "/x", "status": true}',
        '{"method": 1, "path": "/x", "status": 200}',
        '{"method": "GET", "path": "/x", "status": 20000}',
        '{"method": "GET", "path": "", "status": 200}',
    ],
)
def test_what_only_looks_like_a_request_is_none(payload):
    assert meaning_of(payload, "INFO").request is None


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/acme/workflows/count", "acme/count"),
        ("/infer/workflows/acme/count", "acme/count"),
        ("/infer/workflows/acme", ""),
        ("/model/3", ""),
        ("/info", ""),
        ("/defects/latest", ""),
        ("/", ""),
    ],
)
def test_the_model_is_what_an_address_of_the_inference_server_names(path, model):
    assert model_of_path(path) == model


@pytest.mark.parametrize(
    ("rest", "milliseconds"),
    [
        (" OK", None),
        (" OK 250ms", 250),
        (" OK took 2 s", 2000),
        (" OK 80 µs", 0.08),
        (' 157 "-" "-" 0.5', 500),
        (" v1.2s3", None),
    ],
)
def test_a_time_has_a_unit_or_is_the_fraction_at_the_end(rest, milliseconds):
    assert time_in(rest) == pytest.approx(milliseconds) if milliseconds else time_in(rest) is None
