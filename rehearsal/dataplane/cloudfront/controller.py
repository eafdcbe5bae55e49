"""Brings the account's distributions and the front together."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from rehearsal.dataplane.cloudfront.configuration import (
    BucketState,
    Certificate,
    Configuration,
    Distribution,
    Function,
    Invalidation,
    Parts,
    alias_refusal,
    bucket_of,
    distribution,
    encode,
)
from rehearsal.dataplane.cloudfront.front import digest
from rehearsal.dataplane.context import Context
from rehearsal.dataplane.route53 import Resolved, Unresolved, Zone, read_zones, resolve
from rehearsal.emulator import account, backchannel
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.settings import REGION

log = logging.getLogger(__name__)

#: Where the package `rehearsal` lies.
PROJECT = Path(__file__).parents[3]
#: The account is read again after this many seconds even when nothing told of a change.
REREAD_SECONDS = 15.0
#: A front that ends at once (its port is taken) is not started again before.
RESTART_SECONDS = 5.0
#: How long a round waits for the front to say that it obeys.
CONFIRMATION_SECONDS = 0.3
#: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html
CERTIFICATE_REGION = "us-east-1"
#: An invalidation leaves the list of those that the front must know after so many newer ones.
INVALIDATIONS_TOLD = 100


#: Of what other bodies report, only this decides what the front serves.
_WORDS_THAT_MATTER = frozenset({"SetCertificateIssued"})


@dataclass(frozen=True)
class Site:
    """Where a person finds a distribution. `problem` says why DNS or TLS would not lead there in AWS."""

    distribution_id: str
    url: str
    problem: str = ""


@dataclass(frozen=True)
class _Pending:
    """What the account waits for: distributions in progress, and invalidations (distribution, invalidation)."""

    distributions: tuple[str, ...] = ()
    invalidations: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.distributions or self.invalidations)


class _Invalidations:
    """The invalidations that the front must know: those made since this process began, and those in progress."""

    def __init__(self) -> None:
        self._told: dict[str, dict[str, Invalidation]] = {}
        self._old: set[str] = set()
        self._open: dict[str, tuple[str, ...]] = {}

    def read(self, client: Any, distribution_id: str) -> tuple[Invalidation, ...]:
        """The invalidations of a distribution, oldest first; at most `INVALIDATIONS_TOLD`."""
        pages = client.get_paginator("list_invalidations").paginate(DistributionId=distribution_id)
        listed = [each for page in pages for each in page["InvalidationList"].get("Items") or []]
        first = distribution_id not in self._told
        told = self._told.setdefault(distribution_id, {})
        if first:
            # A front that has just started has nothing in its cache that these could name.
            self._old.update(each["Id"] for each in listed if each["Status"].lower() == "completed")
        for each in listed:
            if each["Id"] not in told and each["Id"] not in self._old:
                batch = client.get_invalidation(DistributionId=distribution_id, Id=each["Id"])["Invalidation"]
                paths = batch["InvalidationBatch"]["Paths"].get("Items") or []
                told[each["Id"]] = Invalidation(each["Id"], tuple(paths))
        for identifier in list(told)[:-INVALIDATIONS_TOLD]:
            del told[identifier]
            self._old.add(identifier)
        self._open[distribution_id] = tuple(
            each["Id"] for each in listed if each["Id"] in told and each["Status"].lower() != "completed"
        )
        return tuple(told.values())

    def open(self, distribution_id: str) -> tuple[str, ...]:
        """Those that the account still shows as in progress."""
        return self._open.get(distribution_id, ())


class Distributions:
    """Reads the distributions, keeps the front running and obeying, and reports them as Deployed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._directory = context.state / "cloudfront"
        self._front = FrontProcess(self._directory, binds(context.site_port), lambda: context.wake())
        self._changed = threading.Event()
        self._changed.set()
        self._read_at = 0.0
        self._names: dict[str, str] = {}
        self._text = ""
        self._pending = _Pending()
        self._invalidations = _Invalidations()
        self._complaints: dict[str, str] = {}
        self.sites: tuple[Site, ...] = ()
        account.add_listener(self._heard)

    def _heard(self, service: str, action: str) -> None:
        if service != "backchannel" or action in _WORDS_THAT_MATTER:
            self._changed.set()

    def reconcile(self) -> None:
        """Read the account when it may have changed; then let the front and its configuration meet."""
        due = time.monotonic() - self._read_at > REREAD_SECONDS
        if due or self._changed.is_set() or self._names != self._context.names or self._pending:
            self._changed.clear()
            self._names = dict(self._context.names)
            self._read()
            self._read_at = time.monotonic()
        if not self._text:
            self._front.stop()
            return
        if self._front.obey(self._text):
            self._report()

    def _report(self) -> None:
        """Tell the account what the front has carried out."""
        pending, self._pending = self._pending, _Pending()
        for identifier in pending.distributions:
            try:
                backchannel.set_distribution_status(identifier, "Deployed")
            except KeyError:
                log.info("distribution %s went away before it was deployed", identifier)
        for identifier, invalidation in pending.invalidations:
            try:
                backchannel.set_invalidation_completed(identifier, invalidation)
            except KeyError:
                log.info("invalidation %s went away before it was completed", invalidation)

    def stop(self) -> None:
        """End the front."""
        account.remove_listener(self._heard)
        self._front.stop()

    def _read(self) -> None:
        client = self._context.client("cloudfront")
        pages = client.get_paginator("list_distributions").paginate()
        identifiers = [each["Id"] for page in pages for each in page.get("DistributionList", {}).get("Items", []) or []]
        if not identifiers:
            self._text, self.sites, self._pending = "", (), _Pending()
            return
        zones = read_zones(self._context.client("route53"))
        described = []
        for identifier in identifiers:
            try:
                described.append(client.get_distribution(Id=identifier)["Distribution"])
            except client.exceptions.NoSuchDistribution:
                continue
        names = {**self._names, **{each["DomainName"]: "127.0.0.1" for each in described}}
        obeyed = []
        waiting = []
        for summary in described:
            try:
                obeyed.append(self._distribution(client, summary, zones, names))
            except KeyError as error:
                self._complain(summary["Id"], f"names {error}, which does not exist")
                continue
            self._complain(summary["Id"], "; ".join(obeyed[-1].refused.values()))
            if summary["Status"] != "Deployed":
                waiting.append(summary["Id"])
        own = self._context.authority.issue(["*.cloudfront.net"], name="cloudfront")
        self._text = encode(
            Configuration(
                distributions=tuple(obeyed),
                certificate=Certificate(str(own.cert_path), str(own.key_path)),
                authority=str(self._context.authority.cert_path),
                s3_endpoint=self._context.settings.endpoint,
                region=REGION,
                https_port=self._context.site_port,
            )
        )
        self._pending = _Pending(
            tuple(waiting), tuple((each.id, name) for each in obeyed for name in self._invalidations.open(each.id))
        )
        self.sites = tuple(site for each in obeyed for site in sites(each, zones, names, self._context.site_port))

    def _distribution(
        self, client: Any, summary: Mapping[str, Any], zones: tuple[Zone, ...], names: Mapping[str, str]
    ) -> Distribution:
        config = summary["DistributionConfig"]
        behaviors = [config["DefaultCacheBehavior"], *(config.get("CacheBehaviors", {}).get("Items") or [])]
        origins = config["Origins"]["Items"]
        found = self._certificate(config)
        parts = Parts(
            cache_policies=self._policies(client, "cache_policy", behaviors, "CachePolicyId"),
            origin_request_policies=self._policies(client, "origin_request_policy", behaviors, "OriginRequestPolicyId"),
            response_headers_policies=self._policies(
                client, "response_headers_policy", behaviors, "ResponseHeadersPolicyId"
            ),
            origin_access_controls=self._policies(client, "origin_access_control", origins, "OriginAccessControlId"),
            functions=_functions(client, behaviors),
            buckets=self._buckets(origins),
            addresses={each["DomainName"]: _addresses(each["DomainName"], zones, names) for each in origins},
            certificate=found,
            invalidations=self._invalidations.read(client, summary["Id"]),
        )
        return distribution(summary, parts, self._key_pair(config, found))

    def _certificate(self, config: Mapping[str, Any]) -> Mapping[str, Any] | None:
        arn = config.get("ViewerCertificate", {}).get("ACMCertificateArn")
        if not arn or arn.split(":")[3] != CERTIFICATE_REGION:
            return None
        acm = self._context.client("acm", CERTIFICATE_REGION)
        try:
            described: Mapping[str, Any] = acm.describe_certificate(CertificateArn=arn)["Certificate"]
        except acm.exceptions.ResourceNotFoundException:
            return None
        return described

    def _key_pair(self, config: Mapping[str, Any], found: Mapping[str, Any] | None) -> Certificate | None:
        """The viewer certificate's files, when at least one alias is served with it."""
        aliases = config.get("Aliases", {}).get("Items") or []
        if found is None or all(alias_refusal(alias, config, found) for alias in aliases):
            return None
        names = sorted({found["DomainName"], *found.get("SubjectAlternativeNames", [])})
        identity = found["CertificateArn"].rpartition("/")[2]
        issued = self._context.authority.issue(names, name=f"acm-{identity}")
        return Certificate(str(issued.cert_path), str(issued.key_path))

    def _policies(
        self, client: Any, kind: str, users: list[Mapping[str, Any]], field: str
    ) -> dict[str, Mapping[str, Any]]:
        """The configurations of the policies (or access controls) that behaviours or origins name, by id."""
        shape = "".join(word.capitalize() for word in kind.split("_"))
        found: dict[str, Mapping[str, Any]] = {}
        for identifier in {user[field] for user in users if user.get(field)}:
            try:
                found[identifier] = getattr(client, f"get_{kind}")(Id=identifier)[shape][f"{shape}Config"]
            except ClientError as error:
                if not error.response["Error"]["Code"].startswith("NoSuch"):
                    raise
        return found

    def _buckets(self, origins: list[Mapping[str, Any]]) -> dict[str, BucketState]:
        client = self._context.client("s3")
        buckets = {}
        for name in sorted({name for each in origins if (name := bucket_of(each["DomainName"]))}):
            try:
                client.head_bucket(Bucket=name)
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                    raise
                continue
            policy = _or_none("NoSuchBucketPolicy", client.get_bucket_policy, name)
            block = _or_none("NoSuchPublicAccessBlockConfiguration", client.get_public_access_block, name)
            buckets[name] = BucketState(
                policy=policy["Policy"] if policy else None,
                public_access_block=block["PublicAccessBlockConfiguration"] if block else {},
            )
        return buckets

    def _complain(self, identifier: str, complaint: str) -> None:
        """Tell a problem of a distribution once."""
        if complaint and self._complaints.get(identifier) != complaint:
            log.warning("distribution %s: %s", identifier, complaint)
        self._complaints[identifier] = complaint


def sites(served: Distribution, zones: tuple[Zone, ...], names: Mapping[str, str], port: int) -> list[Site]:
    """A distribution's addresses for people: its aliases, or its CloudFront name when it has none."""
    authority = "" if port == 443 else f":{port}"
    found = []
    for alias in served.aliases:
        answer = resolve(alias, zones, names)
        problem = answer.detail if isinstance(answer, Unresolved) else ""
        if isinstance(answer, Resolved) and served.domain_name.lower() not in answer.chain:
            problem = f"{alias} leads to {answer.chain[-1]}, not to {served.domain_name}"
        found.append(Site(served.id, f"https://{alias}{authority}", problem))
    found += [Site(served.id, f"https://{alias}{authority}", why) for alias, why in served.refused.items()]
    return found or [Site(served.id, f"https://{served.domain_name}{authority}")]


def _addresses(name: str, zones: tuple[Zone, ...], names: Mapping[str, str]) -> tuple[str, ...] | str:
    answer = resolve(name, zones, names)
    return answer.addresses if isinstance(answer, Resolved) else answer.detail


def _functions(client: Any, behaviors: list[Mapping[str, Any]]) -> dict[str, Function]:
    """The LIVE stages of the functions that behaviours name, by ARN."""
    functions = {}
    arns = {
        association["FunctionARN"]
        for behavior in behaviors
        for association in (behavior.get("FunctionAssociations") or {}).get("Items") or []
    }
    for arn in arns:
        name = arn.rpartition("/")[2]
        try:
            summary = client.describe_function(Name=name, Stage="LIVE")["FunctionSummary"]
            code = client.get_function(Name=name, Stage="LIVE")["FunctionCode"].read()
        except client.exceptions.NoSuchFunctionExists:
            continue
        functions[arn] = Function(arn, name, summary["FunctionConfig"]["Runtime"], code.decode())
    return functions


def _or_none(code: str, call: Callable[..., Any], bucket: str) -> Any:
    """The answer of a call, or None when S3 says that the bucket has no such thing."""
    try:
        return call(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
        return None


def binds(port: int) -> list[str]:
    """Loopback addresses to listen on: browsers try `::1` first for names under localhost."""
    found = [f"127.0.0.1:{port}"]
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return found
    return [*found, f"[::1]:{port}"]


class FrontProcess:
    """The front's process and its configuration file."""

    def __init__(self, directory: Path, binds: list[str], wake: Callable[[], None]) -> None:
        self._directory = directory
        self._file = directory / "front.json"
        self._binds = binds
        self._wake = wake
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._told = ""

    @property
    def pid(self) -> int | None:
        """The process id while the front runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process else None

    def obey(self, text: str) -> bool:
        """Let the front serve this configuration; whether it has confirmed that it does."""
        if self._told != text or not self._file.exists():
            self._directory.mkdir(parents=True, exist_ok=True)
            _write_private(self._file, text)
            if self.pid is not None:
                os.kill(self.pid, signal.SIGHUP)
            self._told = text
        if self.pid is None:
            self._start()
        end = time.monotonic() + CONFIRMATION_SECONDS
        while not self._confirmed():
            if self.pid is None or time.monotonic() > end:
                later = threading.Timer(CONFIRMATION_SECONDS, self._wake)
                later.daemon = True
                later.start()
                return False
            time.sleep(0.02)
        return True

    def stop(self) -> None:
        """End the process; requests under way are answered first."""
        if self._process is None:
            return
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        self._told = ""

    def _start(self) -> None:
        if time.monotonic() - self._started_at < RESTART_SECONDS and self._process is not None:
            return
        if self._process is not None:
            log.error("the front ended with %s: see %s", self._process.returncode, self._directory / "front.log")
        command = [sys.executable, "-m", "rehearsal.dataplane.cloudfront.front"]
        command += ["--configuration", str(self._file), "--until-eof"]
        for bind in self._binds:
            command += ["--bind", bind]
        with (self._directory / "front.log").open("ab") as output:
            # Its standard input is a pipe that only this process holds: should this one die, the front ends too.
            self._process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env={
                    **os.environ,
                    "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
                    "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
                    "PYTHONPATH": str(PROJECT),
                },
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
            )
        self._started_at = time.monotonic()

    def _confirmed(self) -> bool:
        try:
            said = json.loads(self._file.with_name(self._file.name + ".applied").read_text())
        except (OSError, ValueError):
            return False
        return bool(said["sha256"] == digest(self._told) and said["pid"] == self.pid)


def _write_private(path: Path, text: str) -> None:
    """Replace a file at once. Origin custom headers in it may be secrets, so nobody else may read it."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    temporary.replace(path)
