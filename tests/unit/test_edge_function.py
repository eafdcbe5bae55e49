"""The viewer-request function of the front end, run as JavaScript with the events that CloudFront would give it.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader  # type: ignore[import-untyped]
from ansible.template import Templar, trust_as_template  # type: ignore[import-untyped]

ROOT = Path(__file__).parents[2]
ROLE = ROOT / "roles/aws_edge"

#: CloudFront takes no larger function.
#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
CODE_LIMIT_BYTES = 10 * 1024


@pytest.fixture(scope="module")
def code() -> str:
    """The function, rendered as the role renders it with the project's paths."""
    loader = DataLoader()
    variables: dict[str, Any] = {}
    for path in ("roles/aws_edge/defaults/main.yml", "group_vars/all/application.yml", "group_vars/all/aws_edge.yml"):
        variables |= loader.load_from_file(str(ROOT / path), trusted_as_template=True)
    templar = Templar(loader=loader, variables=variables)
    rendered = templar.template(trust_as_template((ROLE / "templates/page.js.j2").read_text()))
    assert isinstance(rendered, str)
    return rendered


def answer(code: str, *, uri: str, querystring: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the function returns for one request: the request itself, or a response."""
    node = shutil.which("node")
    if node is None:
        pytest.fail("node is needed to run the function: install nodejs")
    event = {
        "version": "1.0",
        "context": {"eventType": "viewer-request"},
        "viewer": {"ip": "198.51.100.11"},
        "request": {"method": "GET", "uri": uri, "querystring": querystring or {}, "headers": {}, "cookies": {}},
    }
    # The runtime is strict ECMAScript without modules: what it would refuse is refused here too.
    program = f"'use strict';\n{code}\nprocess.stdout.write(JSON.stringify(handler({json.dumps(event)})));"
    run = subprocess.run([node, "-e", program], capture_output=True, text=True, check=False, timeout=20)
    assert run.returncode == 0, run.stderr
    result: dict[str, Any] = json.loads(run.stdout)
    return result


@pytest.mark.parametrize(
    "uri",
    ["/", "/orders", "/orders/", "/orders/7", "/a/b/c", "/apiary", "/administration", "/v1.2/notes", "/caf%C3%A9"],
)
def test_an_address_of_the_page_is_answered_with_the_page(code: str, uri: str) -> None:
    assert answer(code, uri=uri)["uri"] == "/index.html"


@pytest.mark.parametrize(
    "uri",
    [
        "/index.html",
        "/config.json",
        "/favicon.ico",
        "/robots.txt",
        "/assets/index-3f2a91bc.js",
        "/assets/missing.js",
        "/assets/without-extension",
        "/assets/",
        "/.well-known/security.txt",
        "/.well-known/change-password",
    ],
)
def test_a_file_is_asked_of_the_bucket_under_its_own_name(code: str, uri: str) -> None:
    assert answer(code, uri=uri)["uri"] == uri


@pytest.mark.parametrize("path", ["/api", "/admin", "/static"])
def test_the_application_is_never_answered_with_the_page(code: str, path: str) -> None:
    response = answer(code, uri=path)
    assert response["statusCode"] == 308
    assert response["headers"] == {"location": {"value": path + "/"}}


def test_a_redirect_keeps_the_question(code: str) -> None:
    """CloudFront gives the values as the viewer wrote them, encoded."""
    querystring = {
        "q": {"value": "a%20b"},
        "empty": {"value": ""},
        "tag": {"value": "x", "multiValue": [{"value": "x"}, {"value": "y"}]},
    }
    response = answer(code, uri="/api", querystring=querystring)
    assert response["headers"]["location"]["value"] == "/api/?q=a%20b&empty&tag=x&tag=y"


def test_the_rest_of_the_request_stays_as_it_was(code: str) -> None:
    request = answer(code, uri="/orders/7", querystring={"sort": {"value": "name"}})
    assert request["method"] == "GET"
    assert request["querystring"] == {"sort": {"value": "name"}}
    assert "statusCode" not in request


def test_cloudfront_takes_the_size(code: str) -> None:
    assert len(code.encode()) < CODE_LIMIT_BYTES
