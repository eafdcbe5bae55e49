"""Application Load Balancers: each is a container with HAProxy, configured from the account, that checks its targets.

The container is started anew when it dies; its configuration is reloaded without losing a connection, and only
when more changed than which targets get requests. Network and gateway load balancers have no body.
"""

from __future__ import annotations

import hashlib
import logging
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rehearsal.dataplane import haproxy, health, managed
from rehearsal.dataplane.context import BodyKind, Context
from rehearsal.dataplane.haproxy import Listener, LoadBalancer, Rule, Target, TargetGroup, UnsupportedError
from rehearsal.dataplane.health import Check, Health, HealthChecks, Key
from rehearsal.dataplane.work import Workers
from rehearsal.emulator import backchannel
from rehearsal.engine import Container

log = logging.getLogger(__name__)

KIND: BodyKind = "load balancer"
COMMAND = ("haproxy", "-W", "-db", "-S", haproxy.MASTER_SOCKET, "-f", haproxy.CONFIGURATION)
CLI_SECONDS = 10.0


# -- what AWS's answers mean ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Instance:
    """A possible target."""

    address: str | None
    state: str
    zone: str


@dataclass(frozen=True)
class Registration:
    """A target as the account has it. `health` is what DescribeTargetHealth said."""

    key: Key
    health: Health


def attributes(answer: Mapping[str, Any]) -> dict[str, str]:
    """The attributes of any Describe…Attributes answer."""
    return {entry["Key"]: entry["Value"] for entry in answer["Attributes"] if entry.get("Value") is not None}


def rule(answer: Mapping[str, Any]) -> Rule:
    """A rule of DescribeRules."""
    actions = sorted(answer["Actions"], key=lambda action: int(action.get("Order") or 1))
    return Rule(str(answer["Priority"]), tuple(actions), tuple(answer.get("Conditions", ())))


def in_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """By priority; the default rule is the last."""
    return tuple(sorted(rules, key=lambda one: (one.priority == "default", int(one.priority.replace("default", "0")))))


def target_group_arns(rules: Iterable[Rule]) -> list[str]:
    """The target groups that rules forward to, each once."""
    found: dict[str, None] = {}
    for one in rules:
        for action in one.actions:
            if arn := action.get("TargetGroupArn"):
                found[arn] = None
            for entry in (action.get("ForwardConfig") or {}).get("TargetGroups", ()):
                found[entry["TargetGroupArn"]] = None
    return list(found)


def check(group: Mapping[str, Any]) -> Check:
    """The health check of a group of DescribeTargetGroups."""
    port = str(group.get("HealthCheckPort") or "traffic-port")
    return Check(
        protocol=group.get("HealthCheckProtocol") or "HTTP",
        port=None if port == "traffic-port" else int(port),
        path=group.get("HealthCheckPath") or "/",
        matcher=(group.get("Matcher") or {}).get("HttpCode") or "200",
        interval=float(group.get("HealthCheckIntervalSeconds") or 30),
        timeout=float(group.get("HealthCheckTimeoutSeconds") or 5),
        healthy_threshold=int(group.get("HealthyThresholdCount") or 5),
        unhealthy_threshold=int(group.get("UnhealthyThresholdCount") or 2),
    )


def registrations(group_arn: str, answer: Mapping[str, Any]) -> list[Registration]:
    """The targets of a DescribeTargetHealth answer."""
    return [
        Registration(
            Key(group_arn, entry["Target"]["Id"], int(entry["Target"]["Port"])),
            Health(
                entry["TargetHealth"]["State"],
                entry["TargetHealth"].get("Reason"),
                entry["TargetHealth"].get("Description"),
            ),
        )
        for entry in answer["TargetHealthDescriptions"]
    ]


def address_of(target_id: str, instances: Mapping[str, Instance]) -> str | None:
    """Where a target is reached: a registered address is its own."""
    if target_id.startswith("i-"):
        found = instances.get(target_id)
        return found.address if found else None
    return target_id


def verdict(
    registration: Registration,
    group: Mapping[str, Any],
    instances: Mapping[str, Instance],
    zones: frozenset[str],
    checked: Health | None,
) -> Health:
    """What is true of a target of a group in use. `checked` is what its health checks found, if there are any."""
    target_id = registration.key.target_id
    if registration.health.state == "draining":
        return health.DRAINING
    if target_id.startswith("i-"):
        instance = instances.get(target_id)
        state = instance.state if instance else "terminated"
        if instance is None or state not in ("pending", "running"):
            return health.stopped(state)
        if instance.zone not in zones:
            return replace(
                health.NOT_IN_USE,
                description="Target is in an Availability Zone that is not enabled for the load balancer",
            )
    if address_of(target_id, instances) is None:
        return health.NO_ADDRESS
    if not is_checked(group):
        return health.NOT_CHECKED
    return checked or health.REGISTERING


def is_checked(group: Mapping[str, Any]) -> bool:
    """Whether the data plane makes the group's health checks."""
    return bool(group.get("HealthCheckEnabled", True)) and group.get("ProtocolVersion", "HTTP1") == "HTTP1"


# -- HAProxy's command line ----------------------------------------------------------------------------------


class MasterError(RuntimeError):
    """HAProxy's master process did not do what it was told."""


def command(pid: int, words: str) -> str:
    """Say something to the HAProxy master whose container's first process is `pid`, and return its answer.

    https://docs.haproxy.org/3.0/management.html#9.4. Raises OSError when nobody listens (yet).
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(CLI_SECONDS)
        connection.connect(f"/proc/{pid}/root{haproxy.MASTER_SOCKET}")
        connection.sendall(words.encode() + b"\n")
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode(errors="replace")


def workers(show_proc: str) -> list[int]:
    """Process ids of all workers, those of before a reload included, from the answer to `show proc`."""
    rows = [line.split() for line in show_proc.splitlines() if line and not line.startswith("#")]
    return [int(row[0]) for row in rows if len(row) > 1 and row[1] == "worker"]


def reload(pid: int) -> None:
    """Make the master read its configuration again. Raises MasterError with HAProxy's own words."""
    answer = command(pid, "reload")
    if not answer.startswith("Success=1"):
        raise MasterError(answer.strip())


def tell_workers(pid: int, commands: Sequence[str]) -> None:
    """Say something to every worker, so that those of before a reload act alike."""
    if not commands:
        return
    for worker in workers(command(pid, "show proc")):
        command(pid, "; ".join(f"@!{worker} {words}" for words in commands))


# -- the controller ------------------------------------------------------------------------------------------


@dataclass
class _Running:
    """What the HAProxy of a body is known to do."""

    pid: int
    checks: HealthChecks
    structure: str
    states: dict[tuple[str, str], bool] = field(default_factory=dict)


@dataclass
class _Snapshot:
    """The account as of this round."""

    instances: dict[str, Instance]
    groups: dict[str, Mapping[str, Any]]
    group_attributes: dict[str, dict[str, str]]
    registrations: dict[str, list[Registration]]


class LoadBalancers:
    """Gives every Application Load Balancer of the account its HAProxy, and its targets their health."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._workers = Workers(lambda: context.wake())
        self._running: dict[str, _Running] = {}
        #: What was known of the targets of a body that is down.
        self._health: dict[str, dict[Key, Health]] = {}
        self._endpoints: dict[str, str] = {}
        self._certificate_names: dict[str, tuple[str, ...]] = {}
        self._refused: dict[str, str] = {}
        #: Targets that the account no longer lists and that may finish what they have: key -> until when.
        self._leaving: dict[Key, tuple[float, str]] = {}
        #: What a target's health was called by the account when it was told otherwise, and what it was told.
        self._reported: dict[Key, tuple[Health, Health]] = {}
        self._seen: dict[str, dict[Key, tuple[str, str]]] = {}

    def reconcile(self) -> None:
        """Bring bodies and account together, and report the targets' health."""
        client = self._context.client("elbv2")
        balancers = [
            balancer
            for page in client.get_paginator("describe_load_balancers").paginate()
            for balancer in page["LoadBalancers"]
            if balancer.get("Type", "application") == "application"
        ]
        containers = self._context.containers_of(KIND)
        wanted = {_body_name(balancer) for balancer in balancers}
        for name in {*containers, *self._running, *self._endpoints} - wanted:
            self._remove(name, containers.get(name))
        if not balancers:
            return
        account = self._snapshot(client)
        in_use: set[str] = set()
        for balancer in balancers:
            name = _body_name(balancer)
            try:
                in_use |= self._reconcile_one(client, balancer, account, containers.get(name))
                self._refused.pop(name, None)
            except (UnsupportedError, MasterError, OSError) as error:
                # Said once: the body goes on with what it has, and a body that has just begun answers soon.
                if self._refused.get(name) != str(error):
                    level = logging.INFO if isinstance(error, OSError) else logging.ERROR
                    log.log(level, "%s keeps its configuration: %s", name, error)
                    self._refused[name] = str(error)
                # Its groups are nobody else's.
                in_use |= {
                    arn
                    for arn, group in account.groups.items()
                    if balancer["LoadBalancerArn"] in group.get("LoadBalancerArns", ())
                }
        for arn in account.groups.keys() - in_use:
            for registration in account.registrations[arn]:
                if registration.health.state != "draining":
                    self._report(registration, health.NOT_IN_USE)

    def stop(self) -> None:
        """End the threads; the bodies stay."""
        for running in self._running.values():
            running.checks.stop()
        self._running.clear()
        self._workers.stop()

    def _snapshot(self, client: Any) -> _Snapshot:
        ec2 = self._context.client("ec2")
        instances = {
            instance["InstanceId"]: Instance(
                instance.get("PrivateIpAddress"), instance["State"]["Name"], instance["Placement"]["AvailabilityZone"]
            )
            for page in ec2.get_paginator("describe_instances").paginate()
            for reservation in page["Reservations"]
            for instance in reservation["Instances"]
        }
        groups = {
            group["TargetGroupArn"]: group
            for page in client.get_paginator("describe_target_groups").paginate()
            for group in page["TargetGroups"]
            if group.get("TargetType", "instance") in ("instance", "ip")
        }
        return _Snapshot(
            instances,
            groups,
            {arn: attributes(client.describe_target_group_attributes(TargetGroupArn=arn)) for arn in groups},
            {arn: registrations(arn, client.describe_target_health(TargetGroupArn=arn)) for arn in groups},
        )

    # -- one load balancer -----------------------------------------------------------------------------------

    def _reconcile_one(
        self, client: Any, balancer: Mapping[str, Any], account: _Snapshot, container: Container | None
    ) -> set[str]:
        """Returns the arns of the target groups that it uses."""
        service = _service(balancer)
        name = service.name
        self._endpoints[name] = balancer["DNSName"]
        self._publish(service, balancer, container)
        place = managed.directory(self._context, name)
        listeners = self._listeners(client, balancer["LoadBalancerArn"], place)
        arns = [
            arn
            for arn in target_group_arns(r for listener in listeners for r in listener.rules)
            if arn in account.groups
        ]
        zones = frozenset(zone["ZoneName"] for zone in balancer["AvailabilityZones"])
        running = self._adopt(name, container)
        checked = self._watch(running, arns, account, zones) if running else self._health.get(name, {})
        groups = [self._target_group(arn, account, zones, checked) for arn in arns]
        model = LoadBalancer(
            name=balancer["LoadBalancerName"],
            listeners=tuple(listeners),
            target_groups=tuple(groups),
            attributes=attributes(
                client.describe_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"])
            ),
        )
        text = haproxy.configuration(model)
        managed.write_secret(place / "haproxy.cfg", text)
        if running is None:
            if container is None or not container.running:
                self._workers.start(name, managed.start, self._context, service, container, COMMAND)
            return set(arns)
        self._converge(name, running, model, text)
        _tidy(place, text)
        return set(arns)

    def _publish(
        self, service: managed.ManagedService, balancer: Mapping[str, Any], container: Container | None
    ) -> None:
        managed.publish(self._context, service, container)
        body = self._context.bodies.get(service.name)
        if body is not None and balancer.get("Scheme") == "internet-facing":
            self._context.bodies[service.name] = replace(body, has_public_address=True)

    def _adopt(self, name: str, container: Container | None) -> _Running | None:
        """What runs under this name; known health outlives a body that was started anew."""
        known = self._running.get(name)
        pid = container.pid if container is not None and container.running else 0
        if known is not None and known.pid == pid:
            return known
        if known is not None:
            self._health[name] = known.checks.health()
            known.checks.stop()
            del self._running[name]
        if not pid:
            return None
        # Until told otherwise, a body does what its file says.
        file = self._context.state / "services" / name / "haproxy.cfg"
        structure = haproxy.structure(file.read_text()) if file.exists() else ""
        checks = HealthChecks(pid, lambda: self._context.wake(), self._health.pop(name, None))
        running = _Running(pid, checks, structure)
        self._running[name] = running
        return running

    def _watch(
        self, running: _Running, arns: Sequence[str], account: _Snapshot, zones: frozenset[str]
    ) -> dict[Key, Health]:
        targets: dict[Key, tuple[Check, str]] = {}
        for arn in arns:
            group = account.groups[arn]
            for registration in account.registrations[arn]:
                address = address_of(registration.key.target_id, account.instances)
                true = verdict(registration, group, account.instances, zones, None)
                if address is not None and true is health.REGISTERING:
                    targets[registration.key] = (check(group), address)
        running.checks.watch(targets)
        return running.checks.health()

    def _target_group(
        self, arn: str, account: _Snapshot, zones: frozenset[str], checked: Mapping[Key, Health]
    ) -> TargetGroup:
        group = account.groups[arn]
        targets: list[Target] = []
        seen: dict[Key, tuple[str, str]] = {}
        for registration in account.registrations[arn]:
            key = registration.key
            true = verdict(registration, group, account.instances, zones, checked.get(key))
            self._report(registration, true)
            address = address_of(key.target_id, account.instances)
            if address is not None:
                targets.append(Target(key.target_id, address, key.port, true.state))
                seen[key] = (address, true.state)
        found = TargetGroup(
            arn=arn,
            name=group["TargetGroupName"],
            protocol=group.get("Protocol", "HTTP"),
            protocol_version=group.get("ProtocolVersion") or "HTTP1",
            attributes=account.group_attributes[arn],
        )
        targets += self._leavers(found, seen)
        return replace(found, targets=tuple(sorted(targets, key=lambda target: target.server)))

    def _report(self, registration: Registration, true: Health) -> None:
        """Tell the account what is true of a target, unless it knows or has an opinion of its own."""
        key, says = registration.key, registration.health
        if says.same_as(true):
            self._reported.pop(key, None)
            return
        if self._reported.get(key) == (says, replace(true, passes=0, failures=0)):
            # Said before, without effect. Saying it again would wake the data plane again, for ever.
            return
        if true.state == "unavailable":
            # The account has no word for it: there the target stays as it is.
            return
        try:
            backchannel.set_target_health(
                key.target_group_arn, key.target_id, key.port, true.state, true.reason, true.description
            )
        except KeyError:
            log.debug("%s is no target of %s any more", key.target_id, key.target_group_arn)
        self._reported[key] = (says, replace(true, passes=0, failures=0))

    def _leavers(self, group: TargetGroup, seen: Mapping[Key, tuple[str, str]]) -> list[Target]:
        """Targets that vanished without the account having called them draining: they drain here."""
        now = time.monotonic()
        for key, (address, state) in self._seen.get(group.arn, {}).items():
            if key not in seen and state not in ("draining", "unused"):
                self._leaving[key] = (now + group.deregistration_delay, address)
        self._seen[group.arn] = dict(seen)
        for key in [k for k, (until, _) in self._leaving.items() if until <= now or k in seen]:
            del self._leaving[key]
        return [
            Target(key.target_id, address, key.port, "draining")
            for key, (_, address) in self._leaving.items()
            if key.target_group_arn == group.arn
        ]

    def _converge(self, name: str, running: _Running, model: LoadBalancer, text: str) -> None:
        """Make HAProxy do what the configuration says, with the smallest means."""
        states = haproxy.server_states(model)
        changed = {server: on for server, on in states.items() if running.states.get(server) != on}
        gone = running.states.keys() - states.keys()
        # The states come first: a worker that a reload leaves behind must not pick a target that is on its way out.
        known = haproxy.structure(text) == running.structure
        tell_workers(
            running.pid,
            [
                *(
                    f"set server {backend}/{server} state {'ready' if on else 'maint'}"
                    for (backend, server), on in sorted(changed.items())
                    if known or (backend, server) in running.states
                ),
                *(f"shutdown sessions server {backend}/{server}" for backend, server in sorted(gone)),
            ],
        )
        if not known:
            log.info("%s reloads its configuration", name)
            reload(running.pid)
            running.structure = haproxy.structure(text)
        running.states = states

    def _remove(self, name: str, container: Container | None) -> None:
        running = self._running.pop(name, None)
        if running is not None:
            running.checks.stop()
        self._context.names.pop(self._endpoints.pop(name, ""), None)
        self._refused.pop(name, None)
        self._health.pop(name, None)
        if container is not None:
            log.info("%s is removed", name)
        self._workers.start(name, managed.remove, self._context, name)

    # -- its listeners ---------------------------------------------------------------------------------------

    def _listeners(self, client: Any, arn: str, place: Path) -> list[Listener]:
        found: list[Listener] = []
        for page in client.get_paginator("describe_listeners").paginate(LoadBalancerArn=arn):
            for listener in page["Listeners"]:
                listener_arn = listener["ListenerArn"]
                rules = client.get_paginator("describe_rules").paginate(ListenerArn=listener_arn)
                found.append(
                    Listener(
                        port=int(listener["Port"]),
                        protocol=listener["Protocol"],
                        rules=in_order(rule(one) for page in rules for one in page["Rules"]),
                        ssl_policy=listener.get("SslPolicy") or "",
                        certificates=self._certificates(client, listener, place),
                        attributes=attributes(client.describe_listener_attributes(ListenerArn=listener_arn)),
                    )
                )
        return sorted(found, key=lambda listener: listener.port)

    def _certificates(self, client: Any, listener: Mapping[str, Any], place: Path) -> tuple[str, ...]:
        """Write the listener's certificates, the default one first, and return their file names."""
        if listener["Protocol"] != "HTTPS":
            return ()
        arns = [certificate["CertificateArn"] for certificate in listener.get("Certificates", [])[:1]]
        more = client.describe_listener_certificates(ListenerArn=listener["ListenerArn"])["Certificates"]
        arns += sorted(entry["CertificateArn"] for entry in more if entry["CertificateArn"] not in arns)
        return tuple(self._certificate(arn, place) for arn in arns)

    def _certificate(self, arn: str, place: Path) -> str:
        names = self._certificate_names.get(arn)
        if names is None:
            if ":acm:" not in arn:
                raise UnsupportedError(f"certificate {arn} is not one of ACM")
            region = arn.split(":")[3]
            described = self._context.client("acm", region).describe_certificate(CertificateArn=arn)["Certificate"]
            names = tuple({described["DomainName"]: None, **dict.fromkeys(described["SubjectAlternativeNames"])})
            self._certificate_names[arn] = names
        identity = arn.rsplit("/", 1)[-1]
        try:
            issued = self._context.authority.issue(names, name=f"acm-{identity}")
        except ValueError as error:
            raise UnsupportedError(f"certificate {arn}: {error}") from error
        pem = issued.cert_path.read_text() + issued.key_path.read_text()
        # A renewed certificate has another name, so the configuration that names it is another one too.
        file = f"certificate-{identity}-{hashlib.sha256(pem.encode()).hexdigest()[:8]}.pem"
        managed.write_secret(place / file, pem)
        return file


def _body_name(balancer: Mapping[str, Any]) -> str:
    return f"alb-{balancer['LoadBalancerName']}"


def _service(balancer: Mapping[str, Any]) -> managed.ManagedService:
    subnets = sorted(zone["SubnetId"] for zone in balancer["AvailabilityZones"])
    return managed.ManagedService(
        name=_body_name(balancer),
        kind=KIND,
        endpoints=(balancer["DNSName"],),
        vpc_id=balancer["VpcId"],
        subnet_id=subnets[0],
        security_group_ids=tuple(balancer.get("SecurityGroups", ())),
    )


def _tidy(place: Path, text: str) -> None:
    """Remove certificates that the configuration no longer names."""
    for file in place.glob("certificate-*.pem"):
        if file.name not in text:
            file.unlink()
