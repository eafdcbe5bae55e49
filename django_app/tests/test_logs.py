from __future__ import annotations

import json
import logging
import sys

import pytest

from config.logs import JsonFormatter
from tests.conftest import SiteClient


def test_a_line_is_one_json_object_even_with_newlines_and_a_traceback() -> None:
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        record = logging.LogRecord("app", logging.ERROR, __file__, 1, "broke\n%s", ("x",), sys.exc_info())
    record.order = {1, 2}

    text = JsonFormatter("r1").format(record)

    assert "\n" not in text
    line = json.loads(text)
    assert line["message"] == "broke\nx"
    assert line["release"] == "r1"
    assert line["level"] == "ERROR"
    assert "ValueError: first" in line["exception"]
    assert line["order"] == "{1, 2}"


@pytest.mark.django_db
def test_a_request_is_logged_with_the_balancers_trace_and_without_its_query(
    site: SiteClient,
) -> None:
    lines: list[dict[str, object]] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonFormatter().format(record)))

    logger = logging.getLogger("requests")
    collector = Collector()
    logger.addHandler(collector)
    try:
        site.get("/api/summary/?token=hidden", headers={"x-amzn-trace-id": "Root=1-abc"})
    finally:
        logger.removeHandler(collector)

    (line,) = lines
    assert (line["method"], line["path"], line["status"]) == ("GET", "/api/summary/", 200)
    assert line["trace"] == "Root=1-abc"
    assert isinstance(line["milliseconds"], float)
    assert "hidden" not in json.dumps(line)
