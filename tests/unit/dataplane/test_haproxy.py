"""HAProxy as an Application Load Balancer: the text, and (in a container) what it does to requests."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import subprocess
import textwrap
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane import elbv2, haproxy
from rehearsal.dataplane.haproxy import (
    Listener,
    LoadBalancer,
    Rule,
    Target,
    TargetGroup,
    UnsupportedError,
    configuration,
    eligible,
    pattern,
    query_pattern,
    tls_versions,
)

if TYPE_CHECKING:
    from tests.unit.dataplane.conftest import Laboratory


def forward(arn: str) -> list[dict[str, Any]]:
    return [{"Type": "forward", "TargetGroupArn": arn}]


def fixed(status: str, body: str = "") -> list[dict[str, Any]]:
    config = {"StatusCode": status, "ContentType": "text/plain", "MessageBody": body}
    return [{"Type": "fixed-response", "FixedResponseConfig": config}]


def group(*states: haproxy.TargetState, name: str = "web", attributes: Mapping[str, str] | None = None) -> TargetGroup:
    targets = tuple(Target(f"i-{n}", f"10.0.0.{n}", 80, state) for n, state in enumerate(states, 1))
    return TargetGroup(f"arn:{name}", name, attributes=attributes or {}, targets=targets)


def balancer(*rules: Rule, groups: tuple[TargetGroup, ...] = ()) -> LoadBalancer:
    return LoadBalancer("test", (Listener(80, "HTTP", rules),), groups)


# -- routing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        pytest.param(["healthy", "unhealthy"], {"i-1:80"}, id="healthy targets alone"),
        pytest.param(["unhealthy", "unhealthy"], {"i-1:80", "i-2:80"}, id="all unhealthy: fail open"),
        pytest.param(["initial", "healthy"], {"i-2:80"}, id="a new target waits for its first check"),
        pytest.param(["draining", "unhealthy"], {"i-2:80"}, id="a draining target never, not even then"),
        pytest.param(["draining"], set(), id="draining alone"),
        pytest.param(["unused"], set(), id="unused alone"),
        pytest.param([], set(), id="no targets"),
    ],
)
def test_new_requests_go_to(states: list[haproxy.TargetState], expected: set[str]) -> None:
    assert eligible(group(*states)) == expected


def test_the_group_may_ask_for_more_healthy_targets_before_it_fails_open() -> None:
    key = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
    assert eligible(group("healthy", "unhealthy", "unhealthy", attributes={f"{key}.count": "2"})) == {
        "i-1:80",
        "i-2:80",
        "i-3:80",
    }
    assert eligible(group("healthy", "unhealthy", attributes={f"{key}.percentage": "50"})) == {"i-1:80"}
    assert eligible(group("healthy", "unhealthy", "unhealthy", attributes={f"{key}.percentage": "50"})) == {
        "i-1:80",
        "i-2:80",
        "i-3:80",
    }


def test_a_change_of_health_is_no_change_of_structure() -> None:
    rule = Rule("default", forward("arn:web"))
    before = configuration(balancer(rule, groups=(group("healthy", "initial"),)))
    after = configuration(balancer(rule, groups=(group("unhealthy", "healthy"),)))
    assert before != after
    assert haproxy.structure(before) == haproxy.structure(after)
    grown = configuration(balancer(rule, groups=(group("unhealthy", "healthy", "initial"),)))
    assert haproxy.structure(grown) != haproxy.structure(after)


# -- patterns ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wildcards", "text", "matches"),
    [
        ("/img/*", "/img/a/b.png", True),
        ("/img/*", "/IMG/a", False),
        ("/img?/x", "/img1/x", True),
        ("/img?/x", "/img/x", False),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "axexample.com", False),
        ("/a+b(c)", "/a+b(c)", True),
    ],
)
def test_path_and_host_wildcards(wildcards: str, text: str, matches: bool) -> None:
    assert bool(re.fullmatch(pattern(wildcards), text)) is matches


@pytest.mark.parametrize(
    ("key", "value", "query", "matches"),
    [
        ("version", "v1", "version=v1", True),
        ("version", "v1", "a=b&version=v1&c=d", True),
        ("version", "v1", "aversion=v1", False),
        ("version", "v1", "version=v12", False),
        ("version", "v*", "version=&x=v1", False),
        (None, "*example*", "x=an-example-y", True),
        (None, "*example*", "example=x", False),
        (None, "a\\*b", "k=a*b", True),
        (None, "a\\*b", "k=axb", False),
    ],
)
def test_query_conditions(key: str | None, value: str, query: str, matches: bool) -> None:
    assert bool(re.search(query_pattern(key, value), query)) is matches


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("ELBSecurityPolicy-TLS13-1-2-2021-06", ("TLSv1.2", "TLSv1.3")),
        ("ELBSecurityPolicy-TLS13-1-2-Res-2021-06", ("TLSv1.2", "TLSv1.3")),
        ("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", ("TLSv1.2", "TLSv1.3")),
        ("ELBSecurityPolicy-TLS13-1-3-2021-06", ("TLSv1.3", "TLSv1.3")),
        ("ELBSecurityPolicy-TLS-1-2-2017-01", ("TLSv1.2", "TLSv1.2")),
        ("ELBSecurityPolicy-FS-1-2-Res-2020-10", ("TLSv1.2", "TLSv1.2")),
        ("ELBSecurityPolicy-2016-08", ("TLSv1.0", "TLSv1.2")),
    ],
)
def test_versions_of_a_policy(policy: str, versions: tuple[str, str]) -> None:
    assert tls_versions(policy) == versions


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Rule("default", [{"Type": "authenticate-oidc"}, *forward("arn:web")]), "several actions"),
        (Rule("default", [{"Type": "authenticate-oidc"}]), "authenticate-oidc"),
        (Rule("1", fixed("200"), [{"Field": "moon-phase"}]), "moon-phase"),
    ],
)
def test_what_is_not_there_is_refused(rule: Rule, words: str) -> None:
    with pytest.raises(UnsupportedError, match=words):
        configuration(balancer(rule, groups=(group("healthy"),)))


# -- a real HAProxy ------------------------------------------------------------------------------------------

TARGET = textwrap.dedent(
    """
    import http.server, json, sys, time
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def do_GET(self):
            if self.path.startswith("/slow"): time.sleep(float(self.path.rsplit("=", 1)[1]))
            if self.path.startswith("/hang-up"): self.connection.shutdown(2); self.close_connection = True; return
            if self.path.startswith("/own-503"): return self.answer(503, b"own")
            body = {"target": sys.argv[1], "path": self.path, "headers": list(self.headers.items())}
            self.answer(200, json.dumps(body).encode())
        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            if self.path.startswith("/login"): self.send_header("Set-Cookie", "sid=1")
            self.end_headers()
            self.wfile.write(body)
    http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[2])), Handler).serve_forever()
    """
)


class Body:
    """A running HAProxy with three targets beside it: two that answer, one address where nobody is."""

    def __init__(self, laboratory: Laboratory, place: Path) -> None:
        self.place, self.prefix = place, laboratory.gateway.rsplit(".", 1)[0]
        issued = CertificateAuthority(place / "ca").issue(["origin.localhost"], name="origin")
        (place / "origin.pem").write_text(issued.cert_path.read_text() + issued.key_path.read_text())
        self.address = f"{self.prefix}.10"
        self.write(LoadBalancer("test", (), ()))
        _, self.pid = laboratory.start(self.address, elbv2.COMMAND, volumes={place: "/run/slipway:ro"})
        self.targets = {}
        for name, port in (("a", 8001), ("b", 8002)):
            (place / "target.py").write_text(TARGET)
            address = f"{self.prefix}.{11 if name == 'a' else 12}"
            laboratory.start(
                address, ["python3", "/run/slipway/target.py", name, str(port)], volumes={place: "/run/slipway:ro"}
            )
            self.targets[name] = Target(f"i-{name}", address, port, "healthy")
        self.targets["refusing"] = Target("i-refusing", f"{self.prefix}.11", 9, "healthy")
        self.wait_until_alive()

    def wait_until_alive(self) -> None:
        for _ in range(100):
            try:
                elbv2.command(self.pid, "show proc")
                for target in (self.targets["a"], self.targets["b"]):
                    socket.create_connection((target.address, target.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("HAProxy or its targets do not come up")

    def write(self, model: LoadBalancer) -> None:
        (self.place / "haproxy.cfg").write_text(configuration(model))

    def load(self, model: LoadBalancer) -> None:
        self.write(model)
        elbv2.reload(self.pid)

    def group(self, *names: str, group: str = "web", attributes: Mapping[str, str] | None = None) -> TargetGroup:
        return TargetGroup(
            f"arn:{group}", group, attributes=attributes or {}, targets=tuple(self.targets[n] for n in names)
        )

    def get(
        self, path: str = "/", port: int = 80, host: str = "origin.localhost", method: str = "GET", **headers: str
    ) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection(self.address, port, timeout=15)
        given = {"Host": host, **{name.replace("__", ".").replace("_", "-"): value for name, value in headers.items()}}
        connection.request(method, path, headers=given)
        response = connection.getresponse()
        result = (response.status, {k.lower(): v for k, v in response.getheaders()}, response.read().decode())
        connection.close()
        return result

    def seen(self, path: str = "/", port: int = 80, **options: Any) -> dict[str, str]:
        """The headers that reached the target."""
        import json

        status, _, body = self.get(path, port, **options)
        assert status == 200, body
        return {name.lower(): value for name, value in json.loads(body)["headers"]}


@pytest.fixture(scope="module")
def body(laboratory: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Body:
    return Body(laboratory, tmp_path_factory.mktemp("alb"))


DEFAULT = Rule("default", forward("arn:web"))


def simple(
    body: Body,
    *names: str,
    rules: tuple[Rule, ...] = (DEFAULT,),
    port: int = 80,
    attributes: Mapping[str, str] | None = None,
) -> LoadBalancer:
    return LoadBalancer("test", (Listener(port, "HTTP", rules),), (body.group(*names),), attributes or {})


def test_forwarded_headers(body: Body) -> None:
    body.load(simple(body, "a"))
    seen = body.seen(X_Forwarded_For="1.2.3.4", X_Forwarded_Proto="https", X_Forwarded_Port="1")
    assert seen["x-forwarded-for"] == f"1.2.3.4, {body.prefix}.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-port"] == "80"
    assert body.seen()["x-forwarded-for"] == f"{body.prefix}.1"


def test_trace_ids(body: Body) -> None:
    body.load(simple(body, "a"))
    own = r"1-[0-9a-f]{8}-[0-9a-f]{24}"
    assert re.fullmatch(f"Root={own}", body.seen()["x-amzn-trace-id"])
    root = "Root=1-67891233-abcdef012345678912345678;CalledFrom=app"
    assert re.fullmatch(f"Self={own};{root}", body.seen(X_Amzn_Trace_Id=root)["x-amzn-trace-id"])
    again = body.seen(X_Amzn_Trace_Id=f"Self=1-67891234-12456789abcdef012345678;{root}")["x-amzn-trace-id"]
    assert re.fullmatch(f"Self={own};{root}", again)
    assert again.count("Self=") == 1
    stamp = int(body.seen()["x-amzn-trace-id"].split("-")[1], 16)
    assert abs(stamp - time.time()) < 60


@pytest.mark.parametrize(
    ("mode", "expected"), [("append", "1.2.3.4, {client}"), ("preserve", "1.2.3.4"), ("remove", None)]
)
def test_modes_of_x_forwarded_for(body: Body, mode: str, expected: str | None) -> None:
    body.load(simple(body, "a", attributes={"routing.http.xff_header_processing.mode": mode}))
    seen = body.seen(X_Forwarded_For="1.2.3.4").get("x-forwarded-for")
    assert seen == (expected.format(client=f"{body.prefix}.1") if expected else None)


def test_invalid_header_names_are_dropped_when_asked(body: Body) -> None:
    body.load(simple(body, "a"))
    assert "x.odd" in body.seen(x__odd="1")
    body.load(simple(body, "a", attributes={"routing.http.drop_invalid_header_fields.enabled": "true"}))
    seen = body.seen(x__odd="1", X_Fine_1="1")
    assert "x.odd" not in seen
    assert seen["x-fine-1"] == "1"


@pytest.mark.parametrize(
    ("port", "preserve", "sent", "expected"),
    [
        (80, "false", "a.localhost", "a.localhost"),
        (80, "false", "a.localhost:80", "a.localhost"),
        (80, "true", "a.localhost:80", "a.localhost:80"),
        (8080, "false", "a.localhost", "a.localhost:8080"),
        (8080, "false", "a.localhost:8080", "a.localhost:8080"),
        (8080, "true", "a.localhost", "a.localhost"),
    ],
)
def test_host_header(body: Body, port: int, preserve: str, sent: str, expected: str) -> None:
    body.load(simple(body, "a", port=port, attributes={"routing.http.preserve_host_header.enabled": preserve}))
    assert body.seen(port=port, host=sent)["host"] == expected


def test_errors_of_targets(body: Body) -> None:
    body.load(simple(body, "a"))
    status, headers, text = body.get("/hang-up")
    assert (status, headers["server"]) == (502, "awselb/2.0")
    assert "<h1>502 Bad Gateway</h1>" in text
    assert body.get("/own-503")[0::2] == (503, "own")
    body.load(simple(body, "refusing"))
    status, headers, text = body.get()
    assert (status, headers["server"]) == (502, "awselb/2.0")
    assert "<h1>502 Bad Gateway</h1>" in text
    body.load(simple(body))
    status, headers, text = body.get()
    assert (status, headers["server"]) == (503, "awselb/2.0")
    assert "503 Service Temporarily Unavailable" in text
    body.load(simple(body, "a", attributes={"idle_timeout.timeout_seconds": "1"}))
    status, _, text = body.get("/slow=3")
    assert status == 504
    assert "504 Gateway Time-out" in text


def test_one_refused_target_is_not_covered_up_by_another(body: Body) -> None:
    body.load(simple(body, "a", "refusing"))
    assert sorted(body.get()[0] for _ in range(10)) == [200] * 5 + [502] * 5


def test_rules_decide_in_order(body: Body) -> None:
    def condition(field: str, key: str, values: list[Any], **more: str) -> dict[str, Any]:
        return {"Field": field, key: {"Values": values, **more}}

    rules = (
        Rule(
            "1",
            fixed("418", 'a "quoted"\r\n$HOME 100% \\ body'),
            [
                condition("path-pattern", "PathPatternConfig", ["/fix?d/*", "/tea pot"]),
                condition("host-header", "HostHeaderConfig", ["*.example.com", "x.test"]),
            ],
        ),
        Rule(
            "2", fixed("202"), [condition("http-header", "HttpHeaderConfig", ["*chrome*"], HttpHeaderName="User-Agent")]
        ),
        Rule("3", fixed("203"), [condition("http-request-method", "HttpRequestMethodConfig", ["DELETE", "PUT"])]),
        Rule(
            "4",
            fixed("206"),
            [condition("query-string", "QueryStringConfig", [{"Key": "v", "Value": "1*"}, {"Value": "*x\\*y"}])],
        ),
        Rule("5", fixed("207"), [condition("source-ip", "SourceIpConfig", ["192.0.2.0/24"])]),
        Rule("6", fixed("208"), [{"Field": "path-pattern", "Values": ["/old-form"]}]),
        DEFAULT,
    )
    body.load(simple(body, "a", rules=rules))
    status, headers, text = body.get("/fixed/1", host="A.Example.com:80")
    assert (status, text) == (418, 'a "quoted"\r\n$HOME 100% \\ body')
    assert headers["content-type"] == "text/plain"
    assert body.get("/fixed/1", host="example.com")[0] == 200
    assert body.get("/Fixed/1", host="x.test")[0] == 200
    assert body.get(User_Agent="Old Chrome/1")[0] == 202
    assert body.get(method="DELETE")[0] == 203
    assert body.get("/?a=b&V=12")[0] == 206
    assert body.get("/?k=x*y")[0] == 206
    assert body.get("/?k=xzy")[0] == 200
    assert body.get("/old-form")[0] == 208


@pytest.mark.parametrize(
    ("redirect", "path", "status", "location"),
    [
        pytest.param(
            {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
            "/a/b?c=d",
            301,
            "https://origin.localhost:443/a/b?c=d",
            id="the usual one",
        ),
        pytest.param(
            {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
            "/",
            301,
            "https://origin.localhost:443/",
            id="without a query",
        ),
        pytest.param(
            {
                "Host": "www.#{host}",
                "Path": "/new/#{path}/100%",
                "Query": "from=#{port}&#{query}",
                "StatusCode": "HTTP_302",
            },
            "/x?y=z",
            302,
            "http://www.origin.localhost:80/new/x/100%?from=80&y=z",
            id="all placeholders",
        ),
        pytest.param(
            {"Path": "/fixed", "Query": "", "StatusCode": "HTTP_302"},
            "/x?y=z",
            302,
            "http://origin.localhost:80/fixed",
            id="an emptied query",
        ),
    ],
)
def test_redirects(body: Body, redirect: dict[str, str], path: str, status: int, location: str) -> None:
    rule = Rule("default", [{"Type": "redirect", "RedirectConfig": redirect}])
    body.load(simple(body, rules=(rule,)))
    answer = body.get(path)
    assert (answer[0], answer[1]["location"]) == (status, location)


def test_weights_and_group_stickiness(body: Body) -> None:
    config = {
        "TargetGroups": [{"TargetGroupArn": "arn:web", "Weight": 3}, {"TargetGroupArn": "arn:two", "Weight": 1}],
        "TargetGroupStickinessConfig": {"Enabled": True, "DurationSeconds": 60},
    }
    rules = (Rule("default", [{"Type": "forward", "ForwardConfig": config}]),)
    groups = (body.group("a"), body.group("b", group="two"))
    body.load(LoadBalancer("test", (Listener(80, "HTTP", rules),), groups))
    answers = [body.get() for _ in range(80)]
    share = sum('"target": "a"' in text for _, _, text in answers) / len(answers)
    assert 0.55 < share < 0.95
    cookie = f"AWSALBTG={haproxy.group_cookie('arn:two')}"
    assert all('"target": "b"' in body.get(Cookie=cookie)[2] for _ in range(10))
    assert "AWSALBTG" in body.get()[1]["set-cookie"]


def test_sticky_sessions(body: Body) -> None:
    model = LoadBalancer(
        "test", (Listener(80, "HTTP", (DEFAULT,)),), (body.group("a", "b", attributes={"stickiness.enabled": "true"}),)
    )
    body.load(model)
    _, headers, text = body.get()
    cookie = headers["set-cookie"].split(";")[0]
    assert cookie.split("=")[0] in ("AWSALB", "AWSALBCORS")
    assert {body.get(Cookie=cookie)[2][:14] for _ in range(6)} == {text[:14]}
    mine = "i-a:8001" if '"a"' in text[:14] else "i-b:8002"
    elbv2.tell_workers(body.pid, [f"set server tg-web/{mine} state maint"])
    assert body.get(Cookie=cookie)[2][:14] != text[:14]


def test_sessions_stick_to_the_applications_cookie(body: Body) -> None:
    attributes = {
        "stickiness.enabled": "true",
        "stickiness.type": "app_cookie",
        "stickiness.app_cookie.cookie_name": "sid",
    }
    body.load(LoadBalancer("test", (Listener(80, "HTTP", (DEFAULT,)),), (body.group("a", "b", attributes=attributes),)))
    assert "set-cookie" not in body.get()[1]
    connection = http.client.HTTPConnection(body.address, 80, timeout=5)
    connection.request("GET", "/login")
    response = connection.getresponse()
    text = response.read().decode()
    cookies = response.headers.get_all("Set-Cookie") or []
    mine = next(cookie.split(";")[0] for cookie in cookies if cookie.startswith("AWSALBAPP-0="))
    assert {body.get(Cookie=mine)[2][:14] for _ in range(6)} == {text[:14]}


def test_tls_and_http2(body: Body) -> None:
    listener = Listener(443, "HTTPS", (DEFAULT,), "ELBSecurityPolicy-TLS13-1-2-2021-06", ("origin.pem",))
    model = LoadBalancer("test", (listener,), (body.group("a"),))

    def shake(maximum: ssl.TLSVersion, *protocols: str) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(body.place / "ca" / "authority" / "ca.pem"))
        context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, maximum
        context.set_alpn_protocols(list(protocols))
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        return context.wrap_socket(socket.create_connection((body.address, 443), 5), server_hostname="origin.localhost")

    body.load(model)
    with shake(ssl.TLSVersion.TLSv1_3, "h2", "http/1.1") as connection:
        assert (connection.version(), connection.selected_alpn_protocol()) == ("TLSv1.3", "h2")
    with shake(ssl.TLSVersion.TLSv1_2, "http/1.1") as connection:
        assert (connection.version(), connection.selected_alpn_protocol()) == ("TLSv1.2", "http/1.1")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shake(ssl.TLSVersion.TLSv1_1)
    body.load(replace(model, attributes={"routing.http2.enabled": "false"}))
    with shake(ssl.TLSVersion.TLSv1_3, "h2", "http/1.1") as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"


def test_no_request_is_lost_while_configurations_come_and_targets_go(body: Body) -> None:
    body.load(simple(body, "a", "b"))
    answers: list[int] = []
    stop = threading.Event()

    def ask() -> None:
        connection = http.client.HTTPConnection(body.address, 80, timeout=10)
        while not stop.is_set():
            connection.request("GET", "/slow=0.01")
            response = connection.getresponse()
            response.read()
            answers.append(response.status)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for names in (("a",), ("a", "b"), ("b",), ("b", "a")):
        time.sleep(0.3)
        body.load(simple(body, *names))
    elbv2.tell_workers(body.pid, ["set server tg-web/i-a:8001 state maint"])
    time.sleep(0.3)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(answers) > 100
    assert set(answers) == {200}


def test_a_target_that_drains_finishes_what_it_has(body: Body) -> None:
    body.load(simple(body, "a"))
    result: list[int] = []
    thread = threading.Thread(target=lambda: result.append(body.get("/slow=1.5")[0]))
    thread.start()
    time.sleep(0.4)
    draining = replace(body.targets["a"], state="draining")
    model = simple(body, "b")
    model = replace(model, target_groups=(replace(model.target_groups[0], targets=(draining, body.targets["b"])),))
    elbv2.tell_workers(body.pid, ["set server tg-web/i-a:8001 state maint"])
    body.load(model)
    assert {body.get()[2][:14] for _ in range(4)} == {'{"target": "b"'}
    thread.join()
    assert result == [200]


def test_haproxy_accepts_every_attribute(body: Body) -> None:
    attributes = {
        "load_balancing.algorithm.type": "least_outstanding_requests",
        "slow_start.duration_seconds": "30",
        "deregistration_delay.timeout_seconds": "20",
    }
    groups = (
        replace(body.group("a", attributes=attributes), protocol="HTTPS"),
        replace(body.group("b", group="grpc"), protocol_version="GRPC"),
        body.group("b", group="random", attributes={"load_balancing.algorithm.type": "weighted_random"}),
    )
    listeners = tuple(
        Listener(
            8443 + number,
            "HTTPS",
            (DEFAULT,),
            policy,
            ("origin.pem",),
            {
                "routing.http.response.strict_transport_security.header_value": 'max-age=60; "100%"',
                "routing.http.response.server.enabled": "false",
            },
        )
        for number, policy in enumerate(
            (
                "ELBSecurityPolicy-2016-08",
                "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06",
                "ELBSecurityPolicy-TLS13-1-3-2021-06",
            )
        )
    )
    enabled = ("xff_client_port", "x_amzn_tls_version_and_cipher_suite", "drop_invalid_header_fields")
    model = LoadBalancer("test", listeners, groups, {f"routing.http.{name}.enabled": "true" for name in enabled})
    body.write(model)
    done = subprocess.run(
        ["nsenter", f"--target={body.pid}", "--mount", "/usr/sbin/haproxy", "-c", "-f", haproxy.CONFIGURATION],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
