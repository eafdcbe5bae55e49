"""The instance metadata service: what a host learns about itself at http://169.254.169.254.

The firewall of a host sends that address to the VPC's gateway, where this server listens; the source address says
which instance asks. Categories and their form:
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html

Not there: signatures of the identity document, spot and maintenance notices, IPv6, the hop limit.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import secrets
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

log = logging.getLogger(__name__)

#: From linux/in.h: bind to an address that no interface has yet. Python's socket module does not name it.
IP_FREEBIND = 15
#: Of the many versions that AWS serves, those that clients in use ask for.
VERSIONS = ("2009-04-04", "2018-09-24", "2021-03-23", "2022-09-24", "latest")
MAX_TOKEN_SECONDS = 21_600
TOKEN_HEADER = "X-aws-ec2-metadata-token"  # noqa: S105 (the name of a header)
TTL_HEADER = "X-aws-ec2-metadata-token-ttl-seconds"
#: New credentials are there at least five minutes before the old ones end; AWS's are so long before, too.
#: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
RENEW_BEFORE = timedelta(minutes=15)
CREDENTIALS_SECONDS = 3600
#: For how long an answer of the account is good: a booting host asks for some fifty values at once.
CACHE_SECONDS = 2.0

Leaf = str | Callable[[], str | None]
Tree = Mapping[str, "Leaf | Tree"]


@dataclass(frozen=True)
class Subject:
    """An instance as DescribeInstances returns it, and what lies around it."""

    instance: Mapping[str, Any]
    owner_id: str
    reservation_id: str
    subnet_cidr: str
    vpc_cidr: str

    @property
    def id(self) -> str:
        """The instance id."""
        return str(self.instance["InstanceId"])

    @property
    def options(self) -> Mapping[str, str]:
        """MetadataOptions."""
        return self.instance.get("MetadataOptions") or {}


class Account(Protocol):
    """What the service needs to know of the account."""

    def subject(self, address: str) -> Subject | None:
        """The living instance with this private address."""

    def user_data(self, instance_id: str) -> bytes | None:
        """The decoded user data; None when there is none."""

    def role(self, profile_arn: str) -> Mapping[str, Any] | None:
        """The role of an instance profile as GetInstanceProfile returns it."""

    def credentials(self, role: Mapping[str, Any], session: str) -> Mapping[str, Any]:
        """AssumeRole's credentials."""

    def lifecycle_state(self, instance_id: str) -> str | None:
        """The lifecycle state within its Auto Scaling group; None outside of any."""


# -- the tree ------------------------------------------------------------------------------------------------


def metadata(subject: Subject, role_name: str | None, credentials: Leaf, target_lifecycle_state: Leaf) -> Tree:
    """Everything below `meta-data/`. A leaf that needs a call to the account is a function."""
    instance = subject.instance
    zone = instance["Placement"]["AvailabilityZone"]
    groups = instance.get("SecurityGroups", [])
    hostname = instance["PrivateDnsName"]
    tree: dict[str, Leaf | Tree] = {
        "ami-id": instance["ImageId"],
        "ami-launch-index": str(instance.get("AmiLaunchIndex", 0)),
        "ami-manifest-path": "(unknown)",
        "block-device-mapping": {"ami": _device(instance), "root": instance.get("RootDeviceName", "/dev/xvda")},
        "hostname": hostname,
        "instance-action": "none",
        "instance-id": subject.id,
        "instance-life-cycle": instance.get("InstanceLifecycle", "on-demand"),
        "instance-type": instance["InstanceType"],
        "local-hostname": hostname,
        "local-ipv4": instance["PrivateIpAddress"],
        "mac": _interfaces(instance)[0]["MacAddress"] if _interfaces(instance) else "",
        "network": {"interfaces": {"macs": dict(_macs(subject))}},
        "placement": {"availability-zone": zone, "region": region_of(zone)},
        "profile": "default-hvm",
        "reservation-id": subject.reservation_id,
        "security-groups": "\n".join(group["GroupName"] for group in groups),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
        "system": "nitro",
    }
    if public := instance.get("PublicIpAddress"):
        tree |= {"public-ipv4": public, "public-hostname": instance.get("PublicDnsName", "")}
    if profile := instance.get("IamInstanceProfile"):
        info = {
            "Code": "Success",
            "LastUpdated": _timestamp(datetime.now(UTC)),
            "InstanceProfileArn": profile["Arn"],
            "InstanceProfileId": profile.get("Id", ""),
        }
        roles = {role_name: credentials} if role_name else {}
        tree["iam"] = {"info": json.dumps(info, indent=2), "security-credentials": roles}
    if subject.options.get("InstanceMetadataTags") == "enabled":
        tree["tags"] = {"instance": {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}}
    if any(tag["Key"] == "aws:autoscaling:groupName" for tag in instance.get("Tags", [])):
        tree["autoscaling"] = {"target-lifecycle-state": target_lifecycle_state}
    return tree


def _device(instance: Mapping[str, Any]) -> str:
    return str(instance.get("RootDeviceName", "/dev/xvda")).removeprefix("/dev/")


def _interfaces(instance: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(instance.get("NetworkInterfaces", []))


def _macs(subject: Subject) -> Iterable[tuple[str, Tree]]:
    for index, interface in enumerate(_interfaces(subject.instance)):
        groups = interface.get("Groups", [])
        tree: dict[str, Leaf | Tree] = {
            "device-number": str(interface.get("Attachment", {}).get("DeviceIndex", index)),
            "interface-id": interface["NetworkInterfaceId"],
            "local-hostname": subject.instance["PrivateDnsName"],
            "local-ipv4s": "\n".join(address["PrivateIpAddress"] for address in interface.get("PrivateIpAddresses", []))
            or interface["PrivateIpAddress"],
            "mac": interface["MacAddress"],
            "network-card": "0",
            "owner-id": interface.get("OwnerId", subject.owner_id),
            "security-group-ids": "\n".join(group["GroupId"] for group in groups),
            "security-groups": "\n".join(group["GroupName"] for group in groups),
            "subnet-id": interface["SubnetId"],
            "subnet-ipv4-cidr-block": subject.subnet_cidr,
            "vpc-id": interface["VpcId"],
            "vpc-ipv4-cidr-block": subject.vpc_cidr,
            "vpc-ipv4-cidr-blocks": subject.vpc_cidr,
        }
        if public := interface.get("Association", {}).get("PublicIp"):
            tree |= {"public-ipv4s": public, "ipv4-associations": {public: interface["PrivateIpAddress"]}}
        yield interface["MacAddress"], tree


def region_of(zone: str) -> str:
    """The region of an availability zone."""
    return zone[:-1]


def identity_document(subject: Subject) -> str:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html"""
    instance = subject.instance
    zone = instance["Placement"]["AvailabilityZone"]
    launched = instance.get("LaunchTime")
    return json.dumps(
        {
            "accountId": subject.owner_id,
            "architecture": instance.get("Architecture", "x86_64"),
            "availabilityZone": zone,
            "billingProducts": None,
            "devpayProductCodes": None,
            "marketplaceProductCodes": None,
            "imageId": instance["ImageId"],
            "instanceId": subject.id,
            "instanceType": instance["InstanceType"],
            "kernelId": None,
            "pendingTime": _timestamp(launched) if isinstance(launched, datetime) else None,
            "privateIp": instance["PrivateIpAddress"],
            "ramdiskId": None,
            "region": region_of(zone),
            "version": "2017-09-30",
        },
        indent=2,
    )


def credentials_document(role: Mapping[str, Any], assume: Callable[[], Mapping[str, Any]]) -> str:
    """What `iam/security-credentials/<role>` answers, an error of the trust policy included."""
    now = _timestamp(datetime.now(UTC))
    if not trusts_ec2(role["AssumeRolePolicyDocument"]):
        return json.dumps(
            {
                "Code": "AssumeRoleUnauthorizedAccess",
                "Message": f"EC2 cannot assume the role {role['RoleName']}. Please see documentation at "
                "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html.",
                "LastUpdated": now,
            },
            indent=2,
        )
    found = assume()
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": now,
            "Type": "AWS-HMAC",
            "AccessKeyId": found["AccessKeyId"],
            "SecretAccessKey": found["SecretAccessKey"],
            "Token": found["SessionToken"],
            "Expiration": _timestamp(found["Expiration"]),
        },
        indent=2,
    )


def trusts_ec2(policy: Mapping[str, Any]) -> bool:
    """Whether a role's trust policy lets EC2 assume it."""
    statements = policy.get("Statement", [])
    for statement in [statements] if isinstance(statements, Mapping) else statements:
        principal = statement.get("Principal", {})
        services = principal.get("Service", []) if isinstance(principal, Mapping) else []
        actions = statement.get("Action", [])
        if (
            statement.get("Effect") == "Allow"
            and "ec2.amazonaws.com" in ([services] if isinstance(services, str) else services)
            and {"sts:AssumeRole", "sts:*", "*"} & set([actions] if isinstance(actions, str) else actions)
        ):
            return True
    return False


def lookup(tree: Tree, path: str) -> str | None:
    """The value at a path, or the listing of a category; None when there is nothing."""
    node: Leaf | Tree = tree
    for part in filter(None, path.split("/")):
        if not isinstance(node, Mapping) or part not in node:
            return None
        node = node[part]
    if isinstance(node, Mapping):
        return "\n".join(f"{name}/" if isinstance(below, Mapping) else name for name, below in node.items())
    return node() if callable(node) else node


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- tokens --------------------------------------------------------------------------------------------------


class Tokens:
    """Session tokens, each good for one instance and a time. They are signed, not remembered."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._key = secrets.token_bytes(32)
        self._clock = clock

    def issue(self, instance_id: str, seconds: int) -> str:
        """A token that this instance may use for so many seconds."""
        until = struct.pack(">Q", int(self._clock()) + seconds)
        return base64.urlsafe_b64encode(until + self._signature(instance_id, until)).decode()

    def remaining(self, token: str, instance_id: str) -> int | None:
        """The seconds that are left; None when the token is not good for this instance (any more)."""
        try:
            raw = base64.urlsafe_b64decode(token.encode())
        except ValueError:
            return None
        until, signature = raw[:8], raw[8:]
        if len(until) != 8 or not hmac.compare_digest(signature, self._signature(instance_id, until)):
            return None
        left: int = struct.unpack(">Q", until)[0] - int(self._clock())
        return left if left > 0 else None

    def _signature(self, instance_id: str, until: bytes) -> bytes:
        return hmac.digest(self._key, until + instance_id.encode(), hashlib.sha256)


# -- answers -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """An HTTP answer."""

    status: HTTPStatus
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Headers(Protocol):
    """The headers of a request; names in any case."""

    def get(self, name: str, /) -> str | None:
        """The value of a header."""


class Metadata:
    """The service without its sockets: a request in, an answer out."""

    def __init__(self, account: Account, tokens: Tokens | None = None) -> None:
        self._account = account
        self._tokens = tokens or Tokens()

    def answer(self, method: str, target: str, headers: Headers, address: str) -> Answer:
        """Answer a request that came from `address`.

        https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
        """
        subject = self._account.subject(address)
        if subject is None:
            return Answer(HTTPStatus.NOT_FOUND)
        if subject.options.get("HttpEndpoint", "enabled") == "disabled":
            return Answer(HTTPStatus.FORBIDDEN)
        path = unquote(urlsplit(target).path)
        if method == "PUT":
            return self._token(path, headers, subject)
        if method not in ("GET", "HEAD"):
            return Answer(HTTPStatus.METHOD_NOT_ALLOWED)
        token = headers.get(TOKEN_HEADER)
        extra: tuple[tuple[str, str], ...] = ()
        if token is not None:
            left = self._tokens.remaining(token, subject.id)
            if left is None:
                return Answer(HTTPStatus.UNAUTHORIZED)
            extra = ((TTL_HEADER, str(left)),)
        elif subject.options.get("HttpTokens", "optional") == "required":
            return Answer(HTTPStatus.UNAUTHORIZED)
        value = self._value(path, subject)
        return Answer(HTTPStatus.NOT_FOUND) if value is None else Answer(HTTPStatus.OK, value, extra)

    def _token(self, path: str, headers: Headers, subject: Subject) -> Answer:
        if path != "/latest/api/token":
            return Answer(HTTPStatus.NOT_FOUND)
        # A request that came through a proxy gets no token.
        if headers.get("X-Forwarded-For") is not None:
            return Answer(HTTPStatus.FORBIDDEN)
        wanted = headers.get(TTL_HEADER) or ""
        if not (wanted.isascii() and wanted.isdigit() and 1 <= int(wanted) <= MAX_TOKEN_SECONDS):
            return Answer(HTTPStatus.BAD_REQUEST)
        token = self._tokens.issue(subject.id, int(wanted))
        return Answer(HTTPStatus.OK, token.encode(), ((TTL_HEADER, wanted),))

    def _value(self, path: str, subject: Subject) -> bytes | None:
        version, _, rest = path.lstrip("/").partition("/")
        if not version:
            return "\n".join(VERSIONS).encode()
        if version not in VERSIONS:
            return None
        category, _, below = rest.partition("/")
        match category:
            case "":
                names = ["dynamic", "meta-data"]
                return "\n".join(names + ["user-data"] * bool(self._account.user_data(subject.id))).encode()
            case "user-data":
                return self._account.user_data(subject.id)
            case "meta-data":
                return _encoded(lookup(self._tree(subject), below))
            case "dynamic":
                identity = {"instance-identity": {"document": lambda: identity_document(subject)}}
                return _encoded(lookup(identity, below))
        return None

    def _tree(self, subject: Subject) -> Tree:
        profile = subject.instance.get("IamInstanceProfile")
        role = self._account.role(profile["Arn"]) if profile else None

        def credentials() -> str | None:
            if role is None:
                return None
            return credentials_document(role, lambda: self._account.credentials(role, subject.id))

        def lifecycle() -> str | None:
            state = self._account.lifecycle_state(subject.id)
            return state and target_lifecycle_state(state)

        return metadata(subject, role["RoleName"] if role else None, credentials, lifecycle)


def target_lifecycle_state(state: str) -> str:
    """The state that an instance of an Auto Scaling group is on its way to.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
    """
    if state.startswith("Terminat"):
        return "Terminated"
    if state.startswith("Pending"):
        return "InService"
    return {"EnteringStandby": "Standby", "Detaching": "Detached"}.get(state, state)


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


# -- the account ---------------------------------------------------------------------------------------------


class _Cache:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._values: dict[Any, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        now = time.monotonic()
        with self._lock:
            found = self._values.get(key)
            if found is not None and found[0] > now:
                return found[1]
        value = make()
        with self._lock:
            self._values = {k: v for k, v in self._values.items() if v[0] > now}
            self._values[key] = (now + self._seconds, value)
        return value


class EmulatedAccount:
    """The emulated account as the metadata service sees it. `client(service)` gives boto3 clients of an operator."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._client = client
        self._cache = _Cache(CACHE_SECONDS)
        self._credentials: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._lock = threading.Lock()

    def subject(self, address: str) -> Subject | None:
        """See Account."""
        found: Subject | None = self._cache.get(("subject", address), lambda: self._subject(address))
        return found

    def _subject(self, address: str) -> Subject | None:
        ec2 = self._client("ec2")
        filters = [
            {"Name": "private-ip-address", "Values": [address]},
            {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "shutting-down"]},
        ]
        for reservation in ec2.describe_instances(Filters=filters)["Reservations"]:
            for instance in reservation["Instances"]:
                subnet = ec2.describe_subnets(SubnetIds=[instance["SubnetId"]])["Subnets"][0]
                vpc = ec2.describe_vpcs(VpcIds=[instance["VpcId"]])["Vpcs"][0]
                return Subject(
                    instance,
                    reservation["OwnerId"],
                    reservation["ReservationId"],
                    subnet["CidrBlock"],
                    vpc["CidrBlock"],
                )
        return None

    def user_data(self, instance_id: str) -> bytes | None:
        """See Account."""
        found: bytes | None = self._cache.get(("user data", instance_id), lambda: self._user_data(instance_id))
        return found

    def _user_data(self, instance_id: str) -> bytes | None:
        ec2 = self._client("ec2")
        answer = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
        encoded = (answer.get("UserData") or {}).get("Value")
        return base64.b64decode(encoded) if encoded else None

    def role(self, profile_arn: str) -> Mapping[str, Any] | None:
        """See Account."""
        found: Mapping[str, Any] | None = self._cache.get(("role", profile_arn), lambda: self._role(profile_arn))
        return found

    def _role(self, profile_arn: str) -> Mapping[str, Any] | None:
        iam = self._client("iam")
        try:
            profile = iam.get_instance_profile(InstanceProfileName=profile_arn.rsplit("/", 1)[-1])
        except iam.exceptions.NoSuchEntityException:
            return None
        roles: list[Mapping[str, Any]] = profile["InstanceProfile"]["Roles"]
        return roles[0] if roles else None

    def credentials(self, role: Mapping[str, Any], session: str) -> Mapping[str, Any]:
        """The instance's credentials; new ones a quarter of an hour before the old ones end."""
        key = (session, role["Arn"])
        with self._lock:
            found = self._credentials.get(key)
            if found is None or found["Expiration"] - datetime.now(UTC) < RENEW_BEFORE:
                answer = self._client("sts").assume_role(
                    RoleArn=role["Arn"], RoleSessionName=session, DurationSeconds=CREDENTIALS_SECONDS
                )
                found = self._credentials[key] = answer["Credentials"]
            return found

    def lifecycle_state(self, instance_id: str) -> str | None:
        """See Account."""
        answer = self._client("autoscaling").describe_auto_scaling_instances(InstanceIds=[instance_id])
        found = answer["AutoScalingInstances"]
        return found[0]["LifecycleState"] if found else None


# -- the server ----------------------------------------------------------------------------------------------


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, place: tuple[str, int], service: Metadata) -> None:
        self.service = service
        super().__init__(place, _Handler)

    def server_bind(self) -> None:
        # The bridge has its address only while a container is on it.
        self.socket.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        # HTTPServer's own method would look the address up in DNS.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 30

    def _handle(self) -> None:
        if self.headers.get("Content-Length", "0") != "0":
            self.close_connection = True
        try:
            answer = self.server.service.answer(self.command, self.path, self.headers, self.client_address[0])
        except Exception:
            log.exception("instance metadata %s for %s", self.path, self.client_address[0])
            answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR)
        self.send_response(answer.status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815 (named by http.server)

    def version_string(self) -> str:
        """How the service of AWS calls itself."""
        return "EC2ws"

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("%s %s", self.client_address[0], format % args)


class MetadataServers:
    """One listening socket for each VPC, on its gateway's address."""

    def __init__(self, account: Account, port: int) -> None:
        self._service = Metadata(account)
        self._port = port
        self._servers: dict[str, _Server] = {}

    def listen(self, address: str) -> int:
        """Answer on this address from now on; nothing happens when it is done already. Returns the port."""
        if address not in self._servers:
            server = _Server((address, self._port), self._service)
            threading.Thread(target=server.serve_forever, name=f"metadata {address}", daemon=True).start()
            self._servers[address] = server
        return int(self._servers[address].server_address[1])

    def stop(self) -> None:
        """Close all sockets."""
        for server in self._servers.values():
            server.shutdown()
            server.server_close()
        self._servers.clear()
