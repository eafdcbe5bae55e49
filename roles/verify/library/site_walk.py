#!/usr/bin/python
"""Ansible module: ask a site what a user would ask, and name the hop at which an answer goes wrong."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Literal
from urllib.parse import urljoin, urlsplit

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # ansible-core has no types

DOCUMENTATION = r"""
---
module: site_walk
short_description: Ask a site what a user would ask, and name the hop at which an answer goes wrong
description:
  - Asks for the page, one of its hashed files, a file that cannot exist, an address of the page, the API, an address
    that the API does not have, an answer that needs the data, and for the site over plain HTTP.
  - A finding says which hop of the way the answer points at. Nothing is changed.
author: Slipway
options:
  url:
    description: Address of the site, https.
    type: str
    required: true
  plain_url:
    description: The same over plain HTTP, which must lead to O(url). Not asked when empty.
    type: str
    default: ""
  connect_address:
    description: Address to connect to instead of the one that the name resolves to.
    type: str
    default: ""
  ca_path:
    description: File of certificates to trust instead of the system's.
    type: str
    default: ""
  page_marker:
    description: What the page contains.
    type: str
    required: true
  asset_prefix:
    description: Where the page's hashed files are.
    type: str
    required: true
  page_path:
    description: An address of the page for which there is no file.
    type: str
    required: true
  api_path:
    description: An address of the API that needs neither database nor cache.
    type: str
    required: true
  data_path:
    description: An address of the API that needs database and cache.
    type: str
    required: true
  timeout:
    description: Seconds for one answer.
    type: int
    default: 10
  attempts:
    description: How often to walk at most, until nothing is broken.
    type: int
    default: 1
  delay:
    description: Seconds between two walks.
    type: int
    default: 3
"""

RETURN = r"""
findings:
  description: One for every question, in the order of the way.
  returned: always
  type: list
  elements: dict
  contains:
    question:
      description: What was asked.
      type: str
    ok:
      description: Whether the answer was right.
      type: bool
    hop:
      description:
        - Where the answer points at when it was not.
        - One of V(dns), V(cdn), V(bucket), V(balancer), V(nginx), V(gunicorn) and V(application).
      type: str
    sentence:
      description: What was seen.
      type: str
    remedy:
      description: What to do.
      type: str
broken:
  description: The first finding that is not right; empty when the site works.
  returned: always
  type: dict
"""

Hop = Literal["", "dns", "cdn", "bucket", "balancer", "nginx", "gunicorn", "application"]

#: No page and no script of the site is larger; the rest is not read.
BODY_LIMIT = 512 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. ``headers`` have lower-case names; ``body`` is cut at ``BODY_LIMIT`` bytes."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""

    @property
    def is_json(self) -> bool:
        if "json" not in self.headers.get("content-type", ""):
            return False
        try:
            json.loads(self.body)
        except ValueError:
            return False
        return True

    @property
    def is_html(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/html")

    def __str__(self) -> str:
        server = self.headers.get("server", "nobody")
        kind = self.headers.get("content-type", "no type")
        return f"{self.status} from {server}, {kind}: {' '.join(self.body[:120].split())}"


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """``stage`` is how far the question came."""

    stage: Literal["resolve", "connect", "tls", "http"]
    detail: str


@dataclass(frozen=True, slots=True)
class Finding:
    question: str
    ok: bool
    hop: Hop = ""
    sentence: str = ""
    remedy: str = ""


Fetch = Callable[[str], Answer | NoAnswer]


def fetcher(*, connect_address: str, ca_path: str, timeout: float) -> Fetch:
    """A function that asks for a URL once and follows no redirect."""
    context = ssl.create_default_context(cafile=ca_path or None)

    def fetch(url: str) -> Answer | NoAnswer:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        try:
            connection = socket.create_connection((connect_address or host, port), timeout=timeout)
        except socket.gaierror as error:
            return NoAnswer("resolve", f"{host} does not resolve: {error.strerror}")
        except OSError as error:
            return NoAnswer("connect", f"{connect_address or host}:{port} does not answer: {error}")
        with connection:
            channel: socket.socket = connection
            if parts.scheme == "https":
                try:
                    channel = context.wrap_socket(connection, server_hostname=host)
                except (ssl.SSLError, OSError) as error:
                    return NoAnswer("tls", f"no TLS with {host}: {error}")
            client = http.client.HTTPConnection(host, port, timeout=timeout)
            client.sock = channel
            try:
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                # Left to http.client, the header would name port 443, which no browser does.
                headers = {"Host": parts.netloc, "User-Agent": "slipway-verify", "Accept": "*/*"}
                client.request("GET", path, headers=headers)
                response = client.getresponse()
                body = response.read(BODY_LIMIT).decode("utf-8", errors="replace")
            except (OSError, http.client.HTTPException) as error:
                return NoAnswer("http", f"{url} was not answered: {error!r}")
            finally:
                client.close()
            return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    return fetch


def unanswered(question: str, failure: NoAnswer) -> Finding:
    """Nothing came back at all: the way ends before or at the CDN."""
    hop: Hop = "dns" if failure.stage == "resolve" else "cdn"
    remedies = {
        "resolve": "Look whether the parent zone delegates to the zone, then whether its alias record is there.",
        "connect": "Look whether the alias record names the distribution, and whether that is deployed.",
        "tls": "Look whether the distribution's certificate covers the domain, and whether its CA is trusted here.",
        "http": "Ask again; when it stays so, look at the status of the distribution.",
    }
    return Finding(question, ok=False, hop=hop, sentence=failure.detail, remedy=remedies[failure.stage])


def behind_the_cdn(question: str, answer: Answer) -> Finding:
    """An answer of the application's way that is an error: who wrote it?

    The load balancer's own errors say ``Server: awselb/2.0``, CloudFront's say ``Server: CloudFront``, and nginx's
    are told by their page.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
    """
    server = answer.headers.get("server", "").lower()
    hop: Hop
    if server.startswith("cloudfront"):
        hop = "balancer"
        remedy = (
            "CloudFront reached no load balancer: look at the origin's alias record, at its certificate in the "
            "region and at the security group of the load balancer."
        )
    elif server.startswith("awselb"):
        hop = "nginx"
        remedy = (
            "The load balancer has no healthy target or none that answered: look at the target health, then at "
            "nginx and slipway-activate on an instance."
        )
    elif answer.is_html and "nginx" in answer.body and answer.status >= 500:
        hop = "gunicorn"
        remedy = "nginx reached no Gunicorn: look at gunicorn.service and at the activated release on the instance."
    elif answer.status >= 500:
        hop = "application"
        remedy = "The application failed: /readyz on an instance names the dependency, the journal the reason."
    else:
        hop = "cdn"
        remedy = "Look whether the distribution has a behaviour for this path that leads to the load balancer."
    return Finding(question, ok=False, hop=hop, sentence=str(answer), remedy=remedy)


def judge_page(question: str, answer: Answer | NoAnswer, *, marker: str) -> Finding:
    """The page comes from the bucket."""
    if isinstance(answer, NoAnswer):
        return unanswered(question, answer)
    if answer.status == 200 and marker in answer.body:
        return Finding(question, ok=True)
    if answer.status == 403:
        remedy = "Look whether the bucket's policy names this distribution and the origin has its access control."
        return Finding(question, ok=False, hop="bucket", sentence=str(answer), remedy=remedy)
    if answer.status == 404:
        remedy = "The bucket has no page: run publish.yml."
        return Finding(question, ok=False, hop="bucket", sentence=str(answer), remedy=remedy)
    if answer.status == 200:
        remedy = f"The page does not contain {marker}: look what was published."
        return Finding(question, ok=False, hop="bucket", sentence=str(answer), remedy=remedy)
    remedy = "Look at the status of the distribution."
    return Finding(question, ok=False, hop="cdn", sentence=str(answer), remedy=remedy)


def judge_asset(question: str, answer: Answer | NoAnswer) -> Finding:
    if isinstance(answer, NoAnswer):
        return unanswered(question, answer)
    if answer.status == 200 and not answer.is_html:
        return Finding(question, ok=True)
    remedy = "The page names a file that the bucket does not have: run publish.yml."
    return Finding(question, ok=False, hop="bucket", sentence=str(answer), remedy=remedy)


def judge_missing_asset(question: str, answer: Answer | NoAnswer) -> Finding:
    if isinstance(answer, NoAnswer):
        return unanswered(question, answer)
    if answer.status == 404 and not (answer.is_html and "<script" in answer.body):
        return Finding(question, ok=True)
    if answer.status == 403:
        remedy = "Let the distribution list the bucket (s3:ListBucket), so that a file that is not there is a 404."
        return Finding(question, ok=False, hop="bucket", sentence=str(answer), remedy=remedy)
    remedy = "A file that is not there must be a 404: look at the viewer function and at custom error responses."
    return Finding(question, ok=False, hop="cdn", sentence=str(answer), remedy=remedy)


def judge_api(question: str, answer: Answer | NoAnswer) -> Finding:
    if isinstance(answer, NoAnswer):
        return unanswered(question, answer)
    if answer.status == 200 and answer.is_json:
        return Finding(question, ok=True)
    return behind_the_cdn(question, answer)


def judge_missing_api(question: str, answer: Answer | NoAnswer) -> Finding:
    """An error of the API keeps its status and its body on the way to the viewer."""
    if isinstance(answer, NoAnswer):
        return unanswered(question, answer)
    if answer.status == 404 and answer.is_json:
        return Finding(question, ok=True)
    if answer.status == 200:
        remedy = "The CDN turns errors of the API into pages: remove custom error pages from the distribution."
        return Finding(question, ok=False, hop="cdn", sentence=str(answer), remedy=remedy)
    return behind_the_cdn(question, answer)


def judge_plain(question: str, answer: Answer | NoAnswer, *, url: str) -> Finding:
    if isinstance(answer, NoAnswer):
        return unanswered(question, answer)
    target = answer.headers.get("location", "")
    if answer.status in (301, 307, 308) and urljoin(target, "/") == urljoin(url, "/"):
        return Finding(question, ok=True)
    sentence = f"{answer.status} to {target or 'nowhere'}"
    remedy = "Set the viewer protocol policy of the distribution to redirect-to-https."
    return Finding(question, ok=False, hop="cdn", sentence=sentence, remedy=remedy)


def asset_of(page: str, *, prefix: str) -> str:
    """The first hashed file that the page names; empty when it names none."""
    match = re.search(rf"""(?:src|href)=["']?({re.escape(prefix)}[^"'\s>]+)""", page)
    return match.group(1) if match else ""


def walk(
    fetch: Fetch,
    *,
    url: str,
    plain_url: str,
    page_marker: str,
    asset_prefix: str,
    page_path: str,
    api_path: str,
    data_path: str,
) -> Iterator[Finding]:
    """Ask in the order of the way. Where nothing answers at all, the questions behind it are not asked."""
    page = fetch(urljoin(url, "/"))
    yield judge_page("page", page, marker=page_marker)
    if isinstance(page, NoAnswer):
        return
    if page.status == 200:
        asset = asset_of(page.body, prefix=asset_prefix)
        if asset:
            yield judge_asset(f"hashed file {asset}", fetch(urljoin(url, asset)))
        else:
            remedy = "Look what was published: the page of a build names its files."
            yield Finding("hashed file", False, "bucket", f"The page names no file below {asset_prefix}.", remedy)
    yield judge_missing_asset("missing file", fetch(urljoin(url, asset_prefix + "slipway-verify-missing.js")))
    yield judge_page(f"address of the page {page_path}", fetch(urljoin(url, page_path)), marker=page_marker)
    yield judge_api(f"application {api_path}", fetch(urljoin(url, api_path)))
    yield judge_missing_api("missing address of the API", fetch(urljoin(url, api_path + "slipway-verify-missing/")))
    yield judge_api(f"data {data_path}", fetch(urljoin(url, data_path)))
    if plain_url:
        yield judge_plain("plain HTTP", fetch(urljoin(plain_url, "/")), url=url)


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "plain_url": {"type": "str", "default": ""},
            "connect_address": {"type": "str", "default": ""},
            "ca_path": {"type": "str", "default": ""},
            "page_marker": {"type": "str", "required": True},
            "asset_prefix": {"type": "str", "required": True},
            "page_path": {"type": "str", "required": True},
            "api_path": {"type": "str", "required": True},
            "data_path": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 10},
            "attempts": {"type": "int", "default": 1},
            "delay": {"type": "int", "default": 3},
        },
        supports_check_mode=True,
    )
    options = dict(module.params)
    attempts, delay = options.pop("attempts"), options.pop("delay")
    try:
        fetch = fetcher(
            connect_address=options.pop("connect_address"),
            ca_path=options.pop("ca_path"),
            timeout=options.pop("timeout"),
        )
    except OSError as error:
        module.fail_json(msg=f"Failed to read the certificates of {module.params['ca_path']}: {error}")
    findings = list(walk(fetch, **options))
    for _ in range(attempts - 1):
        if all(finding.ok for finding in findings):
            break
        time.sleep(delay)
        findings = list(walk(fetch, **options))
    broken = next((finding for finding in findings if not finding.ok), None)
    module.exit_json(
        changed=False,
        findings=[asdict(finding) for finding in findings],
        broken=asdict(broken) if broken else {},
    )


if __name__ == "__main__":
    main()
