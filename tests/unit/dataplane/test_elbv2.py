"""Load balancers: what AWS's answers mean, and a whole one: account, HAProxy, health checks and targets."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moto.moto_api._internal.models import moto_api_backend

from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane import elbv2, health
from rehearsal.dataplane.context import Context
from rehearsal.dataplane.elbv2 import Instance, LoadBalancers, Registration, in_order, rule, verdict
from rehearsal.dataplane.haproxy import Rule
from rehearsal.dataplane.health import Check, Health, Key
from rehearsal.emulator import backchannel
from rehearsal.emulator.server import Emulator
from rehearsal.settings import Settings

if TYPE_CHECKING:
    from tests.unit.dataplane.conftest import Laboratory

ZONES = frozenset({"eu-west-1a"})
HEALTHY = Health("healthy")


def test_rules_are_in_order_of_their_priority() -> None:
    rules = [Rule(priority, ()) for priority in ("default", "100", "20", "3")]
    assert [one.priority for one in in_order(rules)] == ["3", "20", "100", "default"]


def test_a_rule_is_read_from_the_answer() -> None:
    answer = {"Priority": "5", "Actions": [{"Type": "b", "Order": 2}, {"Type": "a", "Order": 1}], "Conditions": []}
    assert [action["Type"] for action in rule(answer).actions] == ["a", "b"]


def test_target_groups_of_rules_each_once() -> None:
    weighted = {"TargetGroups": [{"TargetGroupArn": "two"}, {"TargetGroupArn": "one"}]}
    rules = [
        Rule("1", [{"Type": "forward", "TargetGroupArn": "one"}]),
        Rule("2", [{"Type": "forward", "ForwardConfig": weighted}]),
        Rule("3", [{"Type": "fixed-response"}]),
    ]
    assert elbv2.target_group_arns(rules) == ["one", "two"]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ({}, Check()),
        (
            {
                "HealthCheckProtocol": "HTTPS",
                "HealthCheckPort": "8080",
                "HealthCheckPath": "/healthz",
                "Matcher": {"HttpCode": "200-204"},
                "HealthCheckIntervalSeconds": 10,
                "HealthCheckTimeoutSeconds": 3,
                "HealthyThresholdCount": 2,
                "UnhealthyThresholdCount": 4,
            },
            Check("HTTPS", 8080, "/healthz", "200-204", 10, 3, 2, 4),
        ),
        ({"HealthCheckPort": "traffic-port"}, Check()),
    ],
)
def test_health_checks_of_groups(group: dict[str, Any], expected: Check) -> None:
    assert elbv2.check(group) == expected


@pytest.mark.parametrize(
    ("instance", "said", "checked", "expected"),
    [
        pytest.param(Instance("10.0.0.1", "running", "eu-west-1a"), HEALTHY, HEALTHY, HEALTHY, id="healthy"),
        pytest.param(Instance("10.0.0.1", "running", "eu-west-1a"), HEALTHY, None, health.REGISTERING, id="new"),
        pytest.param(
            Instance("10.0.0.1", "running", "eu-west-1a"), health.DRAINING, HEALTHY, health.DRAINING, id="deregistered"
        ),
        pytest.param(
            Instance("10.0.0.1", "shutting-down", "eu-west-1a"), HEALTHY, HEALTHY, health.DRAINING, id="shutting down"
        ),
        pytest.param(
            Instance("10.0.0.1", "stopped", "eu-west-1a"),
            HEALTHY,
            HEALTHY,
            Health("unused", "Target.InvalidState", "Target is in the stopped state"),
            id="stopped",
        ),
        pytest.param(None, HEALTHY, HEALTHY, health.DRAINING, id="gone"),
    ],
)
def test_verdicts(instance: Instance | None, said: Health, checked: Health | None, expected: Health) -> None:
    instances = {"i-1": instance} if instance else {}
    assert verdict(Registration(Key("arn", "i-1", 80), said), {}, instances, ZONES, checked) == expected


def test_a_target_in_a_zone_without_the_load_balancer_is_unused() -> None:
    instances = {"i-1": Instance("10.0.0.1", "running", "eu-west-1b")}
    found = verdict(Registration(Key("arn", "i-1", 80), HEALTHY), {}, instances, ZONES, HEALTHY)
    assert (found.state, found.reason) == ("unused", "Target.NotInUse")


def test_workers_of_before_a_reload_are_told_too() -> None:
    answer = """#<PID>          <type>          <reloads>       <uptime>        <version>
1               master          3 [failed: 0]   0d00h01m28s     3.0.11
# workers
12              worker          0               0d00h00m00s     3.0.11
# old workers
7               worker          1               0d00h00m10s     3.0.11
# programs
"""
    assert elbv2.workers(answer) == [12, 7]


# -- a whole load balancer -----------------------------------------------------------------------------------

SERVER = (
    "import http.server, sys, time\n"
    "class Handler(http.server.BaseHTTPRequestHandler):\n"
    "    def do_GET(self):\n"
    "        if self.path.startswith('/slow'): time.sleep(2)\n"
    "        self.send_response(200); self.end_headers(); self.wfile.write(sys.argv[1].encode())\n"
    "http.server.ThreadingHTTPServer(('0.0.0.0', 80), Handler).serve_forever()\n"
)


class Whole:
    """An account with a VPC, a balancer on 80 and 443 and two targets, and the controller that serves it."""

    def __init__(self, laboratory: Laboratory, state: Path, emulator: Emulator) -> None:
        self.laboratory, self.prefix = laboratory, laboratory.gateway.rsplit(".", 1)[0]
        settings = Settings(project=state, emulator_port=emulator.port, site_port=1, metadata_port=2)
        self.context = Context(
            settings=settings,
            engine=laboratory.engine,
            authority=CertificateAuthority(state / "authority"),
            appliance_image=laboratory.appliance_image,
        )
        # This laboratory's network stands for the VPC, and it sees its own containers alone.
        setattr(self.context, "network_name", lambda _vpc_id: laboratory.network)  # noqa: B010 (a method)
        self.controller = LoadBalancers(self.context)
        self.elb, ec2 = self.context.client("elbv2"), self.context.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock=laboratory.cidr)["Vpc"]["VpcId"]
        self.subnets = [
            ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"{self.prefix}.{n}/25", AvailabilityZone=f"eu-west-1{zone}")[
                "Subnet"
            ]["SubnetId"]
            for n, zone in ((0, "a"), (128, "b"))
        ]
        self.name = laboratory.network
        made = self.elb.create_load_balancer(Name=self.name, Subnets=self.subnets, Scheme="internet-facing")
        self.balancer = made["LoadBalancers"][0]
        self.arn = self.balancer["LoadBalancerArn"]
        self.group = self.elb.create_target_group(
            Name=self.name,
            Protocol="HTTP",
            Port=80,
            VpcId=self.vpc,
            TargetType="ip",
            HealthCheckPath="/healthz",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=2,
            UnhealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        self.elb.modify_target_group_attributes(
            TargetGroupArn=self.group,
            Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "4"}],
        )
        acm = self.context.client("acm")
        self.certificate = acm.request_certificate(DomainName="origin.localhost", ValidationMethod="DNS")[
            "CertificateArn"
        ]
        backchannel.set_certificate_issued(self.certificate)
        self.listen("HTTP", 80)
        policy = "ELBSecurityPolicy-TLS13-1-2-2021-06"
        self.listen("HTTPS", 443, SslPolicy=policy, Certificates=[{"CertificateArn": self.certificate}])
        self.addresses = {"a": f"{self.prefix}.20", "b": f"{self.prefix}.21"}
        self.targets = {
            name: laboratory.start(address, ["python3", "-c", SERVER, name])[0]
            for name, address in self.addresses.items()
        }

    def listen(self, protocol: str, port: int, **more: Any) -> None:
        action = {"Type": "forward", "TargetGroupArn": self.group}
        self.elb.create_listener(
            LoadBalancerArn=self.arn, Protocol=protocol, Port=port, DefaultActions=[action], **more
        )

    def register(self, *names: str) -> None:
        targets = [{"Id": self.addresses[name]} for name in names]
        self.elb.register_targets(TargetGroupArn=self.group, Targets=targets)

    def deregister(self, *names: str) -> None:
        targets = [{"Id": self.addresses[name]} for name in names]
        self.elb.deregister_targets(TargetGroupArn=self.group, Targets=targets)

    def round(self) -> None:
        containers = self.context.engine.containers()
        self.context.containers = {
            name: one for name, one in containers.items() if name == f"alb-{self.name}" or name in self.targets.values()
        }
        self.controller.reconcile()

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.round()
            if condition():
                return True
            time.sleep(0.1)
        return False

    def states(self) -> dict[str, str]:
        answer = self.elb.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        names = {address: name for name, address in self.addresses.items()}
        return {names[entry["Target"]["Id"]]: entry["TargetHealth"]["State"] for entry in answer}

    def address(self) -> str:
        return self.context.names[self.balancer["DNSName"]]

    def get(self, path: str = "/") -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.address(), 80, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def answers(self) -> set[str]:
        return {self.get()[1] for _ in range(6)}

    def pid(self) -> int:
        body = self.context.bodies.get(f"alb-{self.name}")
        return body.pid if body else 0


@pytest.fixture(scope="module")
def whole(laboratory: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    moto_api_backend.reset()
    emulator = Emulator(0, data_plane=True)
    emulator.start()
    found = Whole(laboratory, tmp_path_factory.mktemp("project"), emulator)
    try:
        yield found
    finally:
        found.controller.stop()
        laboratory.engine.remove_container(f"alb-{found.name}")
        emulator.stop()
        backchannel.attach_data_plane(False)
        moto_api_backend.reset()


def open_port(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


def test_the_life_of_a_load_balancer(whole: Whole, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    # It comes up, says that nobody is there, and is known by its name.
    assert whole.until(lambda: whole.pid() != 0 and open_port(whole.address(), 80))
    assert whole.context.bodies[f"alb-{whole.name}"].has_public_address
    assert whole.get()[0] == 503

    # Targets are checked before they are called healthy, and get requests by turns.
    whole.register("a", "b")
    assert whole.until(lambda: whole.states() == {"a": "healthy", "b": "healthy"})
    assert whole.answers() == {"a", "b"}
    assert "reloads its configuration" in caplog.text

    # Nothing changed: nothing is reloaded, nothing is reported.
    caplog.clear()
    for _ in range(3):
        whole.round()
    assert "reloads" not in caplog.text

    # TLS with the certificate that ACM issued.
    import ssl

    context = ssl.create_default_context(cafile=str(whole.context.authority.cert_path))
    with (
        socket.create_connection((whole.address(), 443), 5) as plain,
        context.wrap_socket(plain, server_hostname="origin.localhost") as connection,
    ):
        assert connection.version() == "TLSv1.3"

    # A deregistered target finishes what it has, gets nothing new, and is gone when its delay is over.
    result: list[tuple[int, str]] = []
    whole.deregister("b")
    whole.register("b")
    assert whole.until(lambda: whole.states() == {"a": "healthy", "b": "healthy"})
    slow = [threading.Thread(target=lambda: result.append(whole.get("/slow"))) for _ in range(2)]
    for thread in slow:
        thread.start()
    time.sleep(0.5)
    whole.deregister("b")
    whole.round()
    assert whole.answers() == {"a"}
    assert whole.states()["b"] == "draining"
    for thread in slow:
        thread.join()
    assert sorted(result) == [(200, "a"), (200, "b")]
    assert whole.until(lambda: whole.states() == {"a": "healthy"})
    assert whole.answers() == {"a"}

    # An ill target is taken out; when it is the only one, it gets requests all the same.
    whole.register("b")
    assert whole.until(lambda: whole.states() == {"a": "healthy", "b": "healthy"})
    caplog.clear()
    whole.laboratory.engine.run("stop", "--time=0", whole.targets["b"])
    assert whole.until(lambda: whole.states() == {"a": "healthy", "b": "unhealthy"})
    assert whole.answers() == {"a"}
    assert "reloads" not in caplog.text

    # A rule more is a reload.
    listener = whole.elb.describe_listeners(LoadBalancerArn=whole.arn)["Listeners"]
    fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "418", "ContentType": "text/plain"}}
    whole.elb.create_rule(
        ListenerArn=next(one["ListenerArn"] for one in listener if one["Port"] == 80),
        Priority=1,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/tea"]}}],
        Actions=[fixed],
    )
    whole.round()
    assert whole.get("/tea")[0] == 418

    # A dead body is started again, with the health that is known.
    before = whole.pid()
    whole.laboratory.engine.run("kill", f"alb-{whole.name}")
    assert whole.until(lambda: whole.pid() not in (0, before) and open_port(whole.address(), 80))
    assert whole.states() == {"a": "healthy", "b": "unhealthy"}
    assert whole.answers() == {"a"}

    # Another cloud adopts what runs, without a reload.
    caplog.clear()
    whole.controller.stop()
    whole.controller = LoadBalancers(whole.context)
    pid = whole.pid()
    assert whole.until(lambda: whole.states().get("a") == "healthy")
    assert whole.pid() == pid
    assert "reloads" not in caplog.text
    assert whole.answers() == {"a"}

    # It goes with its load balancer.
    whole.elb.delete_load_balancer(LoadBalancerArn=whole.arn)
    assert whole.until(lambda: not list((whole.context.state / "services").iterdir()))
    assert f"alb-{whole.name}" not in whole.context.engine.containers()
    assert whole.context.names == {}
    assert whole.context.bodies == {}


def test_health_is_reported_again_only_when_it_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(backchannel, "set_target_health", lambda *given: said.append(given[3]))
    controller = LoadBalancers.__new__(LoadBalancers)
    controller._reported = {}
    stubborn = Registration(Key("arn", "i-1", 80), Health("unused", "Target.InvalidState", "x"))
    controller._report(stubborn, health.DRAINING)
    controller._report(stubborn, health.DRAINING)
    assert said == ["draining"]
    convinced = replace(stubborn, health=health.DRAINING)
    controller._report(convinced, health.DRAINING)
    controller._report(stubborn, health.DRAINING)
    assert said == ["draining", "draining"]
