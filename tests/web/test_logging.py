"""The log: one event is one line."""

import json
import logging
import sys

import structlog

from portal.logging import logging_config


def test_one_event_is_one_line_of_the_log_whatever_it_holds(capsys):
    config = logging_config(format="json", level="INFO")["formatters"]["event"]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=config["foreign_pre_chain"], processors=config["processors"]
    )
    try:
        raise ValueError('a\nb\r\n{"event": "forged"}\u2028')
    except ValueError:
        record = logging.getLogger("x").makeRecord(
            "x", logging.ERROR, "", 0, "from %s", ("1.2.3.4\nFORGED",), sys.exc_info()
        )

    line = formatter.format(record)

    assert len(line.splitlines()) == 1 and json.loads(line)["event"] == "from 1.2.3.4\nFORGED"
