"""What a log line says: its level before Roboflow's, its kind, and its text with the message first."""

import pytest

from deployments.logs.meaning import meaning_of

UVICORN = 'INFO:     10.0.0.1:46296 - "{} HTTP/1.1" {}'


@pytest.mark.parametrize(
    ("payload", "severity", "level"),
    [
        ("INFO:     Started server process [1]", "ERROR", "INFO"),  # inference servers write it to stderr
        ("ERROR:    Exception in ASGI application", "INFO", "ERROR"),
        ("[WARNING] low disk", "", "WARNING"),
        ("warn: low disk", "INFO", "WARNING"),
        ("CRITICAL out of memory", "DEFAULT", "ERROR"),
        ("DEBUG tensor dump", "INFO", "DEBUG"),
        ("2026-01-31 12:00:00.123 | WARNING | module:function:1 - text", "", "WARNING"),
        ("2026-01-31T12:00:00Z INFO  text", "ERROR", "INFO"),
        ("\x1b[32mINFO\x1b[0m:     ready", "ERROR", "INFO"),
        ("Info about the model", "ERROR", "ERROR"),  # a word, and no level
        ("information", "", "DEFAULT"),
        ("error rate: 0", "INFO", "INFO"),
        ("text", "NOTICE", "INFO"),
        ("text", "EMERGENCY", "ERROR"),
        ("text", "", "DEFAULT"),
        ("text", "DEFAULT", "DEFAULT"),
        ("text", "something new", "DEFAULT"),
        ('{"level": "warning", "msg": "x"}', "INFO", "WARNING"),
        ('{"severity": "ERROR", "message": "x"}', "", "ERROR"),
        ('{"level": 30, "msg": "x"}', "DEBUG", "DEBUG"),
        ("", "", "DEFAULT"),
    ],
)
def test_the_level_of_the_line_counts_more_than_the_severity_of_roboflow(payload, severity, level):
    assert meaning_of(payload, severity).level == level


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        (UVICORN.format("POST /infer/object_detection", "200 OK"), "request"),
        (UVICORN.format("GET /healthz", "200 OK"), "health"),
        (UVICORN.format("GET /readiness?full=1", "503"), "health"),
        (UVICORN.format("GET /healthzone", "200 OK"), "request"),
        ("INFO:     Application startup complete.", "start-up"),
        ("ERROR:    it broke", "error"),
        ("ERROR:    it broke\nTraceback (most recent call last):\n  x\nValueError: y", "traceback"),
        ("prediction done", ""),
    ],
)
def test_a_line_has_one_kind(payload, kind):
    assert meaning_of(payload, "INFO").kind == kind


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ('{"path": "/infer", "message": "done", "ms": 12}', "done path=/infer ms=12"),
        ('{"event": "two words", "user": "a b", "list": [1, 2]}', 'two words user="a b" list=[1, 2]'),
        ('{"message": "\\u001b[31mred\\u001b[0m"}', "red"),
        ("{}", "{}"),
        ('{"message": ', '{"message": '),
        ("[1, 2]", "[1, 2]"),
        ('{"a": {"b": null}}', 'a={"b": null}'),
    ],
)
def test_a_json_line_is_read_with_its_message_first(payload, text):
    assert meaning_of(payload, "").text == text
