"""Security groups and routes: what becomes of AWS's answers, the text, and (in containers) what gets through."""

from __future__ import annotations

import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from moto.moto_api._internal.models import moto_api_backend

from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane import firewall
from rehearsal.dataplane.context import Body, Context
from rehearsal.dataplane.firewall import Permission, View, permissions, reaches_internet, route_table_of, ruleset
from rehearsal.emulator.server import Emulator
from rehearsal.engine import Engine
from rehearsal.settings import Settings

if TYPE_CHECKING:
    from tests.unit.dataplane.conftest import Laboratory

ANYWHERE = ("0.0.0.0/0",)


def chain(script: str, name: str) -> list[str]:
    """The rules of a chain."""
    lines = [line.strip() for line in script.splitlines()]
    begin = lines.index(f"chain {name} {{")
    return lines[begin + 2 : lines.index("}", begin)]


def view(**given: Any) -> View:
    return View(**{"gateway": "10.20.0.1", "vpc_cidr": "10.20.0.0/16", "api_port": 4566, **given})


# -- groups --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
            (Permission("tcp", 80, 80, ANYWHERE),),
            id="networks",
        ),
        pytest.param(
            {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": [{"GroupId": "sg-a"}]},
            (Permission("tcp", 80, 80, ("10.20.0.7", "10.20.1.7")),),
            id="the members of a group",
        ),
        pytest.param(
            {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": "sg-empty"}]}, (), id="a group without members"
        ),
        pytest.param(
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "PrefixListIds": [{"PrefixListId": "pl-1"}]},
            (Permission("tcp", 443, 443, ("192.0.2.0/24",)),),
            id="a prefix list",
        ),
    ],
)
def test_permissions(rule: dict[str, Any], expected: tuple[Permission, ...]) -> None:
    members = {"sg-a": ["10.20.1.7", "10.20.0.7"]}
    assert permissions([rule], members, {"pl-1": ("192.0.2.0/24",)}) == expected


@pytest.mark.parametrize(
    ("permission", "rule"),
    [
        (Permission("tcp", 80, 80, ("10.0.0.0/8",)), "ip saddr 10.0.0.0/8 tcp dport 80 accept"),
        (Permission("tcp", 80, 90, ANYWHERE), "meta nfproto ipv4 tcp dport 80-90 accept"),
        (Permission("6", 80, 80, ANYWHERE), "meta nfproto ipv4 tcp dport 80 accept"),
        (Permission("udp", 53, 53, ("10.1.2.3",)), "ip saddr 10.1.2.3/32 udp dport 53 accept"),
        (Permission("-1", None, None, ("10.1.2.3/32",)), "ip saddr 10.1.2.3/32 accept"),
        (Permission("icmp", -1, -1, ANYWHERE), "meta nfproto ipv4 meta l4proto icmp accept"),
        (Permission("icmp", 8, -1, ANYWHERE), "meta nfproto ipv4 icmp type 8 accept"),
        (Permission("icmp", 3, 4, ANYWHERE), "meta nfproto ipv4 icmp type 3 icmp code 4 accept"),
        (Permission("50", None, None, ANYWHERE), "meta nfproto ipv4 meta l4proto 50 accept"),
    ],
)
def test_ingress_rules(permission: Permission, rule: str) -> None:
    assert chain(ruleset(view(ingress=(permission,))), "ingress")[2:] == [rule]


def test_ipv6_networks_are_left_out() -> None:
    assert chain(ruleset(view(ingress=(Permission("tcp", 80, 80, ("::/0",)),))), "ingress")[2:] == []


def test_metadata_is_for_instances() -> None:
    instance, appliance = ruleset(view(metadata_port=4567)), ruleset(view())
    assert chain(instance, "metadata") == ["ip daddr 169.254.169.254 tcp dport 80 dnat ip to 10.20.0.1:4567"]
    assert "ip daddr 10.20.0.1 tcp dport 4567 accept" in chain(instance, "egress")
    assert chain(appliance, "metadata") == []


MAIL = "ip daddr 10.20.0.1 tcp dport 4568 accept"


@pytest.mark.parametrize(("port", "internet", "allowed"), [(587, True, True), (443, True, False), (587, False, False)])
def test_mail_is_submitted_over_the_internet(port: int, internet: bool, allowed: bool) -> None:
    egress = (Permission("tcp", port, port, ANYWHERE),)
    rules = chain(ruleset(view(mail_port=4568, internet=internet, egress=egress)), "egress")
    assert (MAIL in rules) is allowed


API = "ip daddr 10.20.0.1 tcp dport 4566 accept"


@pytest.mark.parametrize(
    ("internet", "egress", "allowed"),
    [
        pytest.param(True, Permission("tcp", 443, 443, ANYWHERE), True, id="443 to anywhere"),
        pytest.param(True, Permission("-1", None, None, ANYWHERE), True, id="everything"),
        pytest.param(True, Permission("tcp", 400, 500, ANYWHERE), True, id="a range with 443 in it"),
        pytest.param(True, Permission("tcp", 80, 80, ANYWHERE), False, id="80 alone"),
        pytest.param(True, Permission("udp", 443, 443, ANYWHERE), False, id="udp"),
        pytest.param(True, Permission("tcp", 443, 443, ("10.20.0.0/16",)), False, id="within the VPC alone"),
        pytest.param(True, Permission("tcp", 443, 443, ("10.0.0.0/8",)), False, id="private networks alone"),
        pytest.param(False, Permission("tcp", 443, 443, ANYWHERE), False, id="no way out"),
    ],
)
def test_the_apis_are_on_the_internet(internet: bool, egress: Permission, allowed: bool) -> None:
    assert (API in chain(ruleset(view(internet=internet, egress=(egress,))), "egress")) is allowed


def test_what_leaves_the_vpc_needs_a_way_out() -> None:
    everything = (Permission("-1", None, None, ANYWHERE),)
    barrier = "ip daddr != 10.20.0.0/16 drop"
    assert barrier in chain(ruleset(view(egress=everything)), "egress")
    assert barrier not in chain(ruleset(view(egress=everything, internet=True)), "egress")


# -- routes --------------------------------------------------------------------------------------------------


def table(target: dict[str, str], *associations: dict[str, Any]) -> dict[str, Any]:
    routes = [
        {"DestinationCidrBlock": "10.20.0.0/16", "GatewayId": "local", "State": "active"},
        {"DestinationCidrBlock": "0.0.0.0/0", "State": "active", **target},
    ]
    return {"VpcId": "vpc-1", "Routes": routes, "Associations": list(associations)}


@pytest.mark.parametrize(
    ("target", "public", "expected"),
    [
        ({"NatGatewayId": "nat-1"}, False, True),
        ({"NatGatewayId": "nat-pending"}, False, False),
        ({"NatGatewayId": "nat-1", "State": "blackhole"}, False, False),
        ({"GatewayId": "igw-1"}, True, True),
        ({"GatewayId": "igw-1"}, False, False),
        ({"DestinationCidrBlock": "192.0.2.0/24", "NatGatewayId": "nat-1"}, False, False),
    ],
)
def test_ways_to_the_internet(target: dict[str, str], public: bool, expected: bool) -> None:
    found = reaches_internet(table(target), has_public_address=public, available_nat_gateways=frozenset({"nat-1"}))
    assert found is expected


def test_a_subnet_without_a_route_table_of_its_own_has_the_main_one() -> None:
    main, own = table({}, {"Main": True}), table({}, {"SubnetId": "subnet-1", "Main": False})
    assert route_table_of("subnet-1", "vpc-1", [main, own]) is own
    assert route_table_of("subnet-2", "vpc-1", [main, own]) is main
    assert route_table_of("subnet-2", "vpc-2", [main, own]) is None


# -- containers ----------------------------------------------------------------------------------------------

SERVER = (
    "import http.server, sys, threading\n"
    "for port in (8001, 8002):\n"
    "    server = http.server.ThreadingHTTPServer(('0.0.0.0', port), http.server.SimpleHTTPRequestHandler)\n"
    "    threading.Thread(target=server.serve_forever).start()\n"
)


class Echo(socketserver.BaseRequestHandler):
    """Says where it was reached from."""

    def handle(self) -> None:
        self.request.sendall(f"{self.client_address[0]}\n".encode())


@pytest.fixture(scope="module")
def gateway_port(laboratory: Laboratory, hosts: dict[str, tuple[str, int]]) -> Iterator[int]:
    """A port of the gateway with something behind it."""
    assert hosts
    with socketserver.ThreadingTCPServer((laboratory.gateway, 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


@pytest.fixture(scope="module")
def hosts(laboratory: Laboratory) -> dict[str, tuple[str, int]]:
    """Name -> (address, process id) of three hosts that listen on 8001 and 8002."""
    prefix = laboratory.gateway.rsplit(".", 1)[0]
    found: dict[str, tuple[str, int]] = {}
    for number, name in enumerate(("server", "friend", "stranger"), 20):
        address = f"{prefix}.{number}"
        found[name] = (address, laboratory.start(address, ["python3", "-c", SERVER])[1])
    time.sleep(1)
    return found


def connects(pid: int, address: str, port: int) -> bool:
    """Whether a TCP connection from a container gets through."""
    probe = f"import socket; socket.create_connection(('{address}', {port}), 0.7)"
    command = ["nsenter", f"--target={pid}", "--net", "python3", "-c", probe]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def lab_view(laboratory: Laboratory, **given: Any) -> View:
    return View(**{"gateway": laboratory.gateway, "vpc_cidr": laboratory.cidr, **given})


ALL_OUT = (Permission("-1", None, None, ANYWHERE),)


def test_a_port_is_open_for_the_group_that_is_named(laboratory: Laboratory, hosts: dict[str, tuple[str, int]]) -> None:
    server, friend, stranger = hosts["server"], hosts["friend"], hosts["stranger"]
    assert connects(stranger[1], server[0], 8001)
    rule = {"IpProtocol": "tcp", "FromPort": 8001, "ToPort": 8001, "UserIdGroupPairs": [{"GroupId": "sg-friends"}]}
    ingress = permissions([rule], {"sg-friends": [friend[0]]}, {})
    firewall.apply(server[1], ruleset(lab_view(laboratory, ingress=ingress)))
    for _, pid in (friend, stranger):
        firewall.apply(pid, ruleset(lab_view(laboratory, egress=ALL_OUT)))
    assert connects(friend[1], server[0], 8001)
    assert not connects(friend[1], server[0], 8002)
    assert not connects(stranger[1], server[0], 8001)
    # No egress rule: the server can begin nothing, although it could answer above.
    assert not connects(server[1], friend[0], 8001)
    firewall.apply(friend[1], ruleset(lab_view(laboratory, egress=(Permission("tcp", 8002, 8002, ANYWHERE),))))
    assert not connects(friend[1], server[0], 8001)


def test_the_gateway_is_metadata_names_and_apis(
    laboratory: Laboratory, hosts: dict[str, tuple[str, int]], gateway_port: int
) -> None:
    pid = hosts["stranger"][1]
    https = (Permission("tcp", 443, 443, ANYWHERE),)
    firewall.apply(pid, ruleset(lab_view(laboratory, egress=ALL_OUT, internet=True)))
    assert not connects(pid, laboratory.gateway, gateway_port)
    firewall.apply(pid, ruleset(lab_view(laboratory, egress=https, internet=True, api_port=gateway_port)))
    assert connects(pid, laboratory.gateway, gateway_port)
    firewall.apply(pid, ruleset(lab_view(laboratory, egress=https, internet=False, api_port=gateway_port)))
    assert not connects(pid, laboratory.gateway, gateway_port)
    assert not connects(pid, "169.254.169.254", 80)
    firewall.seal(pid, gateway=laboratory.gateway, vpc_cidr=laboratory.cidr, metadata_port=gateway_port)
    assert connects(pid, "169.254.169.254", 80)


def test_established_connections_outlive_a_new_ruleset(
    laboratory: Laboratory, hosts: dict[str, tuple[str, int]]
) -> None:
    server, friend = hosts["server"], hosts["friend"]
    firewall.apply(server[1], ruleset(lab_view(laboratory, ingress=(Permission("tcp", 8001, 8001, ANYWHERE),))))
    firewall.apply(friend[1], ruleset(lab_view(laboratory, egress=ALL_OUT)))
    talk = (
        "import socket, sys\n"
        f"c = socket.create_connection(('{server[0]}', 8001), 2)\n"
        "print('open', flush=True); sys.stdin.readline(); c.settimeout(2)\n"
        "c.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n'); print(c.recv(15))\n"
    )
    command = ["nsenter", f"--target={friend[1]}", "--net", "python3", "-c", talk]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        firewall.apply(server[1], ruleset(lab_view(laboratory)))
        assert "HTTP/1.0 200" in process.communicate("\n", timeout=10)[0]


def test_a_process_that_is_gone_is_an_error() -> None:
    with pytest.raises(firewall.FirewallError):
        firewall.apply(2**22 - 1, ruleset(view()))


# -- the controller ------------------------------------------------------------------------------------------


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    moto_api_backend.reset()
    emulator = Emulator(0)
    emulator.start()
    settings = Settings(project=tmp_path, emulator_port=emulator.port, site_port=1, metadata_port=4567)
    yield Context(settings, Engine(tmp_path), CertificateAuthority(tmp_path), "image")
    emulator.stop()
    moto_api_backend.reset()


def test_every_body_gets_what_its_groups_and_its_subnet_say(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts: dict[int, list[str]] = {}
    monkeypatch.setattr(firewall, "apply", lambda pid, script: scripts.setdefault(pid, []).append(script))
    ec2 = context.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.34.0.0/16")["Vpc"]["VpcId"]
    public, private = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.34.{n}.0/24", AvailabilityZone="eu-west-1a")["Subnet"]["SubnetId"]
        for n in range(2)
    )
    balancer, web = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("balancer", "web")
    )
    http_from_balancer = {
        "IpProtocol": "tcp",
        "FromPort": 80,
        "ToPort": 80,
        "UserIdGroupPairs": [{"GroupId": balancer}],
    }
    ec2.authorize_security_group_ingress(GroupId=web, IpPermissions=[http_from_balancer])
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=public)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    context.bodies = {
        "alb-x": Body("alb-x", "load balancer", "10.34.0.200", 11, vpc, public, (balancer,), has_public_address=True),
        "i-1": Body("i-1", "instance", "10.34.1.10", 12, vpc, private, (web,)),
    }
    groups = firewall.SecurityGroups(context)
    groups.reconcile()
    groups.reconcile()
    assert {pid: len(loaded) for pid, loaded in scripts.items()} == {11: 1, 12: 1}
    barrier = "ip daddr != 10.34.0.0/16 drop"
    assert barrier not in chain(scripts[11][0], "egress")
    assert barrier in chain(scripts[12][0], "egress")
    assert chain(scripts[11][0], "metadata") == []
    assert chain(scripts[12][0], "ingress")[2:] == ["ip saddr 10.34.0.200/32 tcp dport 80 accept"]

    # A way out for the private subnet: new rules for the instance alone.
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=private)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    groups.reconcile()
    assert {pid: len(loaded) for pid, loaded in scripts.items()} == {11: 1, 12: 2}
    assert barrier not in chain(scripts[12][1], "egress")

    # A second balancer: the group's members are two.
    context.bodies["alb-y"] = replace(context.bodies["alb-x"], name="alb-y", address="10.34.0.201", pid=13)
    groups.reconcile()
    assert chain(scripts[12][2], "ingress")[2:] == [
        "ip saddr 10.34.0.200/32 tcp dport 80 accept",
        "ip saddr 10.34.0.201/32 tcp dport 80 accept",
    ]

    # A body that was started anew has another namespace.
    context.bodies["i-1"] = replace(context.bodies["i-1"], pid=14)
    groups.reconcile()
    assert len(scripts[14]) == 1


def test_cloudfront_is_this_machine(context: Context) -> None:
    ec2 = context.client("ec2")
    lists = ec2.describe_managed_prefix_lists()["PrefixLists"]
    known = [one["PrefixListId"] for one in lists if one["PrefixListName"] == firewall.CLOUDFRONT_PREFIX_LIST]
    if not known:
        pytest.skip("the emulated account has no prefix list of CloudFront")
    vpc = ec2.create_vpc(CidrBlock="10.34.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.34.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="edge", Description="edge", VpcId=vpc)["GroupId"]
    from_cloudfront = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "PrefixListIds": [{"PrefixListId": known[0]}],
    }
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[from_cloudfront])
    body = Body("alb-x", "load balancer", "10.34.0.200", 11, vpc, subnet, (group,))
    found = firewall.SecurityGroups(context)._views([body])["alb-x"]
    assert found.ingress == (Permission("tcp", 443, 443, ("10.34.0.1",)),)


def test_a_round_is_cheap(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firewall, "apply", lambda *_: None)
    vpc = context.client("ec2").create_vpc(CidrBlock="10.34.0.0/16")["Vpc"]["VpcId"]
    subnet = context.client("ec2").create_subnet(VpcId=vpc, CidrBlock="10.34.0.0/24")["Subnet"]["SubnetId"]
    context.bodies = {f"i-{n}": Body(f"i-{n}", "instance", f"10.34.0.{n}", n, vpc, subnet, ()) for n in range(10, 20)}
    groups = firewall.SecurityGroups(context)
    groups.reconcile()
    began = time.process_time()
    for _ in range(5):
        groups.reconcile()
    # Account and controller together, every other second.
    assert (time.process_time() - began) / 5 < 0.2
