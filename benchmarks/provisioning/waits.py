"""A proxy before an emulated account that holds new resources in their pending state for a set time.

What AWS takes minutes for is ready at once in an emulator. Here a resource that was created through the proxy is shown
as `creating`, `pending`, `provisioning`, `InProgress` or `PENDING_VALIDATION` until its time has come, so that a tool
waits as it would for AWS, and what it does meanwhile shows.
"""

from __future__ import annotations

import http.client
import http.server
import re
import statistics
import threading
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass

from plugins.plugin_utils.plan import load_modules

#: Which module makes what is waited for.
MAKERS: Mapping[str, str] = {
    "database": "amazon.aws.rds_instance",
    "cache": "slipway.aws.elasticache_replication_group",
    "edge": "slipway.aws.cloudfront_distribution",
    "balancer": "amazon.aws.elb_application_lb",
    "nat": "amazon.aws.ec2_vpc_nat_gateway",
    "certificate": "slipway.aws.acm_certificate_request",
}


def usual_seconds() -> dict[str, float]:
    """What AWS usually takes for each, as the plan foretells it to people.

    Shorter waits would blow up a tool's own part.
    """
    modules = load_modules()
    return {kind: 60.0 * modules[module]["minutes"]["create"] for kind, module in MAKERS.items()}


WAITS: Mapping[str, float] = usual_seconds()


@dataclass(frozen=True)
class Rule:
    """How a kind of resource is recognised in requests and answers, and what its answers say before it is ready."""

    #: `METHOD path action body`, as `signature` writes it.
    create: re.Pattern[str]
    answers: re.Pattern[str]
    #: An identity in an answer: the text from one match to the next belongs to that resource.
    identity: re.Pattern[bytes]
    ready: re.Pattern[bytes]
    pending: bytes
    #: What AWS does not say before the resource is ready.
    hidden: re.Pattern[bytes] | None = None


RULES: Mapping[str, Rule] = {
    "database": Rule(
        re.compile(r"Action=CreateDBInstance(&|$)"),
        re.compile(r"Action=(Create|Modify|Describe)DBInstances?(&|$)"),
        re.compile(rb"<DBInstanceIdentifier>([^<]+)<"),
        re.compile(rb"<DBInstanceStatus>available<"),
        b"<DBInstanceStatus>creating<",
        re.compile(rb"<Endpoint>.*?</Endpoint>", re.DOTALL),
    ),
    "cache": Rule(
        re.compile(r"Action=CreateReplicationGroup(&|$)"),
        re.compile(r"Action=(Create|Modify|Describe)ReplicationGroups?(&|$)"),
        re.compile(rb"<ReplicationGroupId>([^<]+)<"),
        re.compile(rb"<Status>available<"),
        b"<Status>creating<",
    ),
    "balancer": Rule(
        re.compile(r"Action=CreateLoadBalancer(&|$)"),
        re.compile(r"Action=(Create|Describe)LoadBalancers?(&|$)"),
        re.compile(rb"<LoadBalancerArn>([^<]+)<"),
        re.compile(rb"<Code>active<"),
        b"<Code>provisioning<",
    ),
    "nat": Rule(
        re.compile(r"Action=CreateNatGateway(&|$)"),
        re.compile(r"Action=(Create|Describe)NatGateways?(&|$)"),
        re.compile(rb"<natGatewayId>([^<]+)<"),
        re.compile(rb"<state>available<"),
        b"<state>pending<",
    ),
    "edge": Rule(
        re.compile(r"^POST /2020-05-31/distribution(\?WithTags=?)? "),
        re.compile(r"^(GET|POST|PUT) /2020-05-31/distribution"),
        re.compile(rb"<Id>(E[A-Z0-9]{12,})</Id>"),
        re.compile(rb"<Status>Deployed<"),
        b"<Status>InProgress<",
    ),
    "certificate": Rule(
        re.compile(r" CertificateManager\.RequestCertificate "),
        re.compile(r" CertificateManager\.(Describe|Request|List)Certificates? "),
        re.compile(rb'"CertificateArn": ?"([^"]+)"'),
        re.compile(rb'"Status": ?"ISSUED"'),
        b'"Status": "PENDING_VALIDATION"',
    ),
}


def signature(method: str, path: str, action: str, body: bytes) -> str:
    """One line about a request, on which the rules match."""
    return f"{method} {path} {action} {body[:20000].decode('utf-8', 'replace')}"


class Waits:
    """Which resources were created when, and what may be said about them now."""

    def __init__(self, seconds: Mapping[str, float]) -> None:
        self._seconds = dict(seconds)
        self._lock = threading.Lock()
        self._born: dict[tuple[str, bytes], float] = {}

    def amend(self, line: str, status: int, answer: bytes, now: float) -> bytes:
        """The answer as AWS would give it: with the state that the resource has by now."""
        for kind, rule in RULES.items():
            if kind not in self._seconds or not rule.answers.search(line):
                continue
            if status < 300 and rule.create.search(line) and (found := rule.identity.search(answer)):
                with self._lock:
                    self._born.setdefault((kind, found.group(1)), now)
            answer = self._hold(kind, rule, answer, now)
        return answer

    def _hold(self, kind: str, rule: Rule, answer: bytes, now: float) -> bytes:
        marks = list(rule.identity.finditer(answer))
        # Fields come in any order, so that one resource's state may stand before its identity: with a single one in the
        # answer all of it belongs to that one. Answers with several are cut halfway, before each identity.
        known = {found.group(1) for found in marks}
        if len(known) == 1:
            return self._amended(kind, rule, answer, known.pop(), now)
        pieces, end = [], 0
        for number, found in enumerate(marks):
            following = marks[number + 1].start() if number + 1 < len(marks) else len(answer)
            pieces.append(answer[end : found.start()])
            pieces.append(self._amended(kind, rule, answer[found.start() : following], found.group(1), now))
            end = following
        return b"".join(pieces) + answer[end:]

    def _amended(self, kind: str, rule: Rule, text: bytes, identity: bytes, now: float) -> bytes:
        with self._lock:
            born = self._born.get((kind, identity))
        if born is None or now - born >= self._seconds[kind]:
            return text
        if rule.hidden is not None:
            text = rule.hidden.sub(b"", text)
        return rule.ready.sub(rule.pending, text)

    def all_ready(self) -> float:
        """The time (of `time.monotonic`) at which everything that was created is ready; 0 when nothing was."""
        with self._lock:
            return max((born + self._seconds[kind] for (kind, _), born in self._born.items()), default=0.0)

    def kinds(self) -> dict[str, float]:
        """When the first of each kind was asked for (`time.monotonic`)."""
        first: dict[str, float] = {}
        with self._lock:
            for (kind, _), born in self._born.items():
                first[kind] = min(born, first.get(kind, born))
        return first


class Proxy:
    """Forwards to `upstream`, an `http://` URL, and counts and times what passes."""

    def __init__(self, upstream: str, seconds: Mapping[str, float]) -> None:
        self.waits = Waits(seconds)
        self._latencies: list[float] = []
        address = urllib.parse.urlsplit(upstream)
        host, port = address.hostname or "127.0.0.1", address.port or 80
        waits, latencies = self.waits, self._latencies

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                """Quiet."""

            def forward(self) -> None:
                body = _body(self)
                sent = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in ("transfer-encoding", "content-length", "connection", "expect")
                }
                if body or self.command in ("POST", "PUT"):
                    sent["Content-Length"] = str(len(body))
                began = time.monotonic()
                upstream_connection = http.client.HTTPConnection(host, port, timeout=120)
                upstream_connection.request(self.command, self.path, body, sent)
                answer = upstream_connection.getresponse()
                data = answer.read()
                upstream_connection.close()
                now = time.monotonic()
                latencies.append(now - began)
                line = signature(self.command, self.path, self.headers.get("X-Amz-Target", "-"), body)
                data = waits.amend(line, answer.status, data, now)
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else None
                if answer.status != 204:
                    self.send_header("Content-Length", length or str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

        for method in ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"):
            setattr(Handler, f"do_{method}", Handler.forward)
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def endpoint(self) -> str:
        """The URL that tools talk to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def median_latency(self) -> float:
        """Seconds that the account takes for a call; 0 before the first."""
        return statistics.median(self._latencies) if self._latencies else 0.0

    def calls(self) -> int:
        """How many calls have passed."""
        return len(self._latencies)

    def stop(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


def _body(handler: http.server.BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    body = b""
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    while handler.rfile.readline() not in (b"\r\n", b""):
        pass
    return body


@dataclass(frozen=True)
class Link:
    """A resource of the stack: what it needs first, how many calls it takes, and whose wait it has."""

    after: tuple[str, ...]
    calls: int
    wait: str = ""


#: What AWS itself demands to exist, and to be ready, before what. Resources that nobody waits for are left out.
STACK: Mapping[str, Link] = {
    "network": Link((), 1),
    "subnets": Link(("network",), 1),
    "groups": Link(("network",), 2),
    "database": Link(("subnets", "groups"), 2, "database"),
    "cache": Link(("subnets", "groups"), 2, "cache"),
    "nat": Link(("subnets",), 2, "nat"),
    "way out": Link(("nat",), 1),
    "zone": Link((), 1),
    "certificates": Link(("zone",), 3, "certificate"),
    "balancer": Link(("subnets", "groups"), 1, "balancer"),
    "listener": Link(("balancer", "certificates"), 1),
    "distribution": Link(("certificates",), 1, "edge"),
    "bucket policy": Link(("distribution",), 1),
    "parameters": Link(("database", "cache"), 1),
}


def longest_chain(seconds: Mapping[str, float], latency: float) -> tuple[float, list[str]]:
    """The seconds that nobody can go below, and the resources that they are spent on."""
    ends: dict[str, tuple[float, list[str]]] = {}
    for name, link in STACK.items():
        before, path = max((ends[other] for other in link.after), default=(0.0, []), key=lambda end: end[0])
        ends[name] = (before + link.calls * latency + seconds.get(link.wait, 0.0), [*path, name])
    return max(ends.values(), key=lambda end: end[0])
