"""What is counted in the logs is what nginx and the application really write.

CloudWatch evaluates the patterns; here a small evaluator does, for as much of the syntax as the roles use, and it
refuses the rest: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import json
import operator
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.templates.render import render

PROJECT = Path(__file__).parents[2]
ROLES = PROJECT / "roles"
_TERM = re.compile(r'\(?\s*\$\.(\w+)\s*(>=|=)\s*(?:"([^"]*)"|([0-9.]+))\s*\)?')
_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {">=": operator.ge, "=": operator.eq}


def matches(pattern: str, line: str) -> bool:
    """Whether a JSON pattern of terms joined by || matches. A line that is no JSON never does."""
    body = re.fullmatch(r"\{(.*)\}", pattern.strip())
    assert body is not None, f"{pattern} is no pattern for JSON"
    try:
        document = json.loads(line)
    except ValueError:
        return False
    for term in body[1].split("||"):
        parsed = _TERM.fullmatch(term.strip())
        assert parsed is not None, f"{term} is not understood here"
        name, compare, text, number = parsed.groups()
        value = document.get(name)
        if number is None:
            if isinstance(value, str) and _OPERATORS[compare](value, text):
                return True
        elif isinstance(value, (int, float)) and _OPERATORS[compare](float(value), float(number)):
            return True
    return False


def filters(group: str) -> dict[str, str]:
    """Pattern by metric, of one group of the role aws_logs."""
    groups = yaml.safe_load((ROLES / "aws_logs/vars/main.yml").read_text())["__aws_logs_groups"]
    found = next(one for one in groups if one["name"].endswith(f"/{group}"))["metric_filters"]
    return {one["metric_name"]: one["pattern"].replace("{{ aws_logs_slow_request_seconds }}", "5") for one in found}


def access_line(**values: str) -> str:
    """A line of nginx, by the format that its template gives it, with the variables that nginx fills in.

    `escape=json` escapes inside of strings alone: https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
    """
    template = render("nginx", "application.conf.j2")
    form = re.search(r"log_format slipway escape=json ((?:'[^']*'\s*)+);", template)
    assert form is not None
    text = "".join(re.findall(r"'([^']*)'", form[1]))
    known = {
        "time_iso8601": "2026-11-26T02:30:00+00:00",
        "slipway_trace_id": "Root=1-67891233-abcdef012345678912345678",
        "remote_addr": "203.0.113.7",
        "http_x_forwarded_for": "203.0.113.7",
        "request_method": "GET",
        "host": "app.example.com",
        "uri": '/api/\\"x\\"',
        "status": "200",
        "body_bytes_sent": "512",
        "request_time": "0.004",
        "upstream_response_time": "0.003",
        "http_user_agent": "curl/8",
    } | values
    return re.sub(r"\$(\w+)", lambda name: known[name[1]], text)


@pytest.mark.parametrize(
    ("values", "counted"),
    [
        ({}, set()),
        ({"status": "404"}, set()),
        ({"status": "500"}, {"NginxServerErrors"}),
        ({"status": "499", "request_time": "4.999"}, set()),
        ({"status": "200", "request_time": "5.000"}, {"NginxSlowRequests"}),
        (
            {"status": "504", "request_time": "35.001", "upstream_response_time": "-"},
            {"NginxServerErrors", "NginxSlowRequests"},
        ),
        # The client chooses it.
        ({"http_user_agent": '\\",\\"status\\":500,\\"x\\":\\"'}, set()),
    ],
)
def test_nginx_lines(values: dict[str, str], counted: set[str]) -> None:
    line = access_line(**values)
    assert json.loads(line)["status"] == int(values.get("status", "200"))

    assert {metric for metric, pattern in filters("nginx").items() if matches(pattern, line)} == counted


def test_nginxs_own_errors_are_no_json() -> None:
    line = "2026/11/26 02:30:00 [error] 77#77: *1 connect() to unix:/run/gunicorn/gunicorn.sock failed"
    assert not any(matches(pattern, line) for pattern in filters("nginx").values())


#: Logs once on each level as a running process does, in an interpreter of the application's own.
LOGS = """
import logging, logging.config
from config.logs import logging_config
logging.config.dictConfig(logging_config(level="INFO", release_id="r1"))
for name in ("gunicorn.error", "requests"):
    for level in (logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        logging.getLogger(name).log(level, 'level "ERROR" is %s', "a word", extra={"status": 500})
"""


def test_the_applications_lines() -> None:
    command = [sys.executable, "-c", LOGS]
    done = subprocess.run(command, cwd=PROJECT / "django_app", capture_output=True, text=True, check=True, timeout=60)
    lines = done.stdout.splitlines()
    assert len(lines) == 8

    (pattern,) = filters("application").values()
    counted = [(json.loads(line)["logger"], json.loads(line)["level"]) for line in lines if matches(pattern, line)]
    assert counted == [(name, level) for name in ("gunicorn.error", "requests") for level in ("ERROR", "CRITICAL")]
