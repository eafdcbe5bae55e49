#!/usr/bin/python3
"""Bring this host to the release that its environment points at.

    slipway-activate                       activate what the pointer says
    slipway-activate --release ID          activate ID, whatever the pointer says
    slipway-activate --fetch-only ID       fetch, verify and unpack ID; nothing that runs changes
    slipway-activate --manage ID -- ARG…   run manage.py ARG… of ID with the application's environment
    slipway-activate --status [ID]         print as JSON how this host stands to ID (or to the pointer)
    slipway-activate --attend              for as long as the host lives: tell its Auto Scaling group when it is ready
                                           to serve and when it has finished, by completing the lifecycle hooks

The host finds everything by itself, so that an instance launched at night needs no controller: region and
account from the instance metadata service, the environment's name from /etc/slipway/host.json (written by the
launch template's user data), the pointer and the application's variables from Parameter Store, secrets from
Secrets Manager, the release from S3. boto3's own variables (AWS_REGION, AWS_ENDPOINT_URL, credentials) win
over the metadata service; by hand they are taken from the service manager: a person sees what the unit sees.

Exit codes: 0 done, nothing to do, or no release yet; 2 usage; 3 this host is not set up; 4 AWS refused or
could not be reached; 5 the release is missing or damaged; 6 the release does not run, the previous one is
back; 7 another activation holds the lock. `--manage` ends with the exit code of manage.py.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ssm import SSMClient

HOST_FILE = Path("/etc/slipway/host.json")
SETTINGS_FILE = Path("/etc/slipway/activation.json")

RELEASE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
VARIABLE_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,127}")
#: arn:partition:secretsmanager:region:account:secret:name-AbCdEf:json-key:version-stage:version-id, as in
#: https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Secret.html; here the JSON key is required.
SECRET_REFERENCE = re.compile(
    r"(?P<secret>arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^:]+)"
    r":(?P<key>[^:]+):(?P<stage>[^:]*):(?P<version>[^:]*)"
)
#: But for tab and newline, systemd silently drops a variable whose value has a control character.
FORBIDDEN_IN_VALUE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
#: Set by this program alone, so a parameter of this name would be silently lost.
OWN_VARIABLES = frozenset({"RELEASE_ID"})

LOCK_SECONDS = 300.0
#: Background work that lives for so long has read its code and its environment.
WORK_SECONDS = 3.0
IMDS_ATTEMPTS = 5
#: The instance metadata are asked so often where the host is on its way to; more often while somebody waits for it.
ATTEND_SECONDS = 5.0
HURRY_SECONDS = 1.0
#: A group may notice later than the host that it is ready, and after this long there was no hook to complete.
READY_SECONDS = 120.0
#: https://docs.aws.amazon.com/autoscaling/ec2/userguide/warm-pool-instance-lifecycle.html
READY_STATES = frozenset({"InService", "Warmed:Stopped", "Warmed:Running", "Warmed:Hibernated"})
LEAVING_STATES = frozenset({"Terminated", "Warmed:Terminated"})


class ActivationError(Exception):
    """One sentence for the person who reads the journal, and the exit code of the process."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class HostNotSetUpError(ActivationError):
    def __init__(self, sentence: str) -> None:
        super().__init__(3, sentence)


class AwsError(ActivationError):
    def __init__(self, sentence: str) -> None:
        super().__init__(4, sentence)


class ReleaseDamagedError(ActivationError):
    def __init__(self, sentence: str) -> None:
        super().__init__(5, sentence)


class ReleaseDoesNotRunError(ActivationError):
    def __init__(self, sentence: str) -> None:
        super().__init__(6, sentence)


class LockedError(ActivationError):
    def __init__(self, sentence: str) -> None:
        super().__init__(7, sentence)


# -- pure ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """What the image says: /etc/slipway/activation.json, one key a field.

    `pointer`, `environment_path`, `secrets_path` and `releases_bucket` are formats with `{name}` (of the
    environment) and `{account_id}`. Times are in seconds unless the name says otherwise.
    """

    directory: Path
    user: str
    run_directory: Path
    pointer: str
    environment_path: str
    secrets_path: str
    releases_bucket: str
    keep: int
    socket_unit: str
    service_unit: str
    bridge_unit: str
    #: Empty when the application has no background work.
    worker_unit: str
    timer_unit: str
    socket: Path
    health_path: str
    health_seconds: float
    retry_minutes: int
    #: The Auto Scaling group and its hooks, as formats with `{name}`.
    group: str
    launch_hook: str
    terminate_hook: str
    activate_unit: str
    #: Seconds for which requests may still arrive once the host leaves.
    drain_seconds: float
    #: Stopped when all requests are answered, in this order; what ships logs is the last one.
    leaving_units: Sequence[str]

    @property
    def releases(self) -> Path:
        return self.directory / "releases"

    @property
    def current(self) -> Path:
        return self.directory / "current"

    @property
    def next(self) -> Path:
        return self.directory / "next"

    @property
    def environment_file(self) -> Path:
        return self.run_directory / "application.env"

    @property
    def next_environment_file(self) -> Path:
        return self.run_directory / "next.env"

    @property
    def lock_file(self) -> Path:
        return self.run_directory / "activate.lock"


def parse_settings(document: Mapping[str, Any]) -> Settings:
    """Settings from the parsed JSON. Raises HostNotSetUpError for a missing or unknown key."""
    wanted = set(Settings.__dataclass_fields__)
    if difference := wanted.symmetric_difference(document):
        raise HostNotSetUpError(f"{SETTINGS_FILE} lacks or does not know: {', '.join(sorted(difference))}.")
    paths = {key: Path(document[key]) for key in ("directory", "run_directory", "socket")}
    return Settings(**{**document, **paths})


@dataclass(frozen=True)
class SecretReference:
    """One key of a JSON secret. `stage` and `version` are empty for the current version."""

    secret: str
    key: str
    stage: str
    version: str


def parse_secret_reference(variable: str, text: str) -> SecretReference:
    """The secret that a `valueFrom` names. Raises HostNotSetUpError when the text names none."""
    matched = SECRET_REFERENCE.fullmatch(text)
    if matched is None:
        raise HostNotSetUpError(
            f"The parameter of {variable} is not a reference of the form "
            f"arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME:JSON-KEY:STAGE:VERSION: {text!r}."
        )
    return SecretReference(**matched.groupdict())


@dataclass(frozen=True)
class Manifest:
    """The part of manifest.json that a host needs. `size` is in bytes, `sha256` in lower-case hex."""

    release: str
    key: str
    sha256: str
    size: int


def manifest_key(release: str) -> str:
    return f"releases/{release}/manifest.json"


def parse_manifest(release: str, text: str) -> Manifest:
    """The manifest of `release`. Raises ReleaseDamagedError when it is not one or not its own."""
    try:
        document = json.loads(text)
        backend = document["backend"]
        manifest = Manifest(
            release=str(document["id"]),
            key=str(backend["key"]),
            sha256=str(backend["sha256"]),
            size=int(backend["bytes"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseDamagedError(f"The manifest of release {release} cannot be read: {error!r}.") from error
    if manifest.release != release:
        raise ReleaseDamagedError(f"The manifest of release {release} is that of {manifest.release}.")
    if not re.fullmatch(r"[0-9a-f]{64}", manifest.sha256):
        raise ReleaseDamagedError(f"The manifest of release {release} has no SHA-256 of its archive.")
    return manifest


def check_release_id(text: str) -> str:
    """The id itself. Raises ReleaseDamagedError for one that could leave the releases directory."""
    if RELEASE_ID.fullmatch(text) is None:
        raise ReleaseDamagedError(f"{text!r} is not the id of a release.")
    return text


def render_environment_file(variables: Mapping[str, str]) -> str:
    """The text of a systemd EnvironmentFile that sets exactly `variables`.

    Inside double quotes systemd takes everything literally, a newline too, except the four characters that a
    backslash escapes (systemd.exec(5), EnvironmentFile=), so no value can end its own quotes.
    Raises HostNotSetUpError for a name that is no variable's and for a value that systemd would drop.
    """
    lines = []
    for name, value in sorted(variables.items()):
        if VARIABLE_NAME.fullmatch(name) is None:
            raise HostNotSetUpError(f"{name!r} is not the name of an environment variable (A-Z, 0-9 and _).")
        if FORBIDDEN_IN_VALUE.search(value):
            raise HostNotSetUpError(f"The value of {name} holds a control character, which systemd refuses.")
        quoted = re.sub(r'(["\\`$])', r"\\\1", value)
        lines.append(f'{name}="{quoted}"\n')
    return "".join(lines)


def releases_to_remove(by_age: Sequence[str], keep: int, protected: frozenset[str]) -> list[str]:
    """Which of the releases, newest first, go: all but the `keep` newest and the protected ones."""
    return [release for release in by_age[keep:] if release not in protected]


def is_in_step(
    *, target: str, current: str | None, same_environment: bool, service: str, worker: str | None = None
) -> bool:
    """Whether there is nothing to do for this host to run `target`. `worker` is None when there is none."""
    return current == target and same_environment and service == "active" and worker in (None, "active")


def parse_manager_environment(text: str) -> dict[str, str]:
    """boto3's variables out of `systemctl show-environment`; a value that needed quoting is left alone."""
    pairs = (line.split("=", 1) for line in text.splitlines() if line.startswith("AWS_") and "=" in line)
    return {name: value for name, value in pairs if not value.startswith("$'")}


# -- the account --------------------------------------------------------------------------------------------


def may_serve(properties: str) -> bool:
    """Whether slipway-activate has come to a good end since boot, from what `systemctl show` says of its unit.

    A host without a release counts too: it enters service, and the balancer waits for the release.
    """
    shown = dict(line.split("=", 1) for line in properties.splitlines() if "=" in line)
    return shown.get("Result") == "success" and shown.get("ExecMainExitTimestampMonotonic", "0") not in ("", "0")


def _imds(path: str, *, method: str = "GET", headers: Mapping[str, str]) -> str:
    endpoint = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"
    request = urllib.request.Request(f"{endpoint.rstrip('/')}{path}", method=method, headers=dict(headers))  # noqa: S310
    with urllib.request.urlopen(request, timeout=2) as response:  # noqa: S310
        text: str = response.read().decode()
        return text


def _metadata(path: str) -> str:
    """One value of the instance metadata service, by IMDSv2."""
    token = _imds("/latest/api/token", method="PUT", headers={"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    return _imds(f"/latest/{path}", headers={"X-aws-ec2-metadata-token": token})


def target_state() -> str | None:
    """Where the Auto Scaling group sends this host; None outside of any group, and while nobody answers.

    https://docs.aws.amazon.com/autoscaling/ec2/userguide/retrieving-target-lifecycle-state-through-imds.html
    """
    try:
        return _metadata("meta-data/autoscaling/target-lifecycle-state").strip()
    except (urllib.error.URLError, OSError, http.client.HTTPException):
        return None


def identity_document() -> dict[str, str]:
    """The instance identity document, by IMDSv2.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-identity-documents.html
    Raises AwsError when the service does not answer: its address is ready some seconds after the network is.
    """
    for attempt in range(1, IMDS_ATTEMPTS + 1):
        try:
            document: dict[str, str] = json.loads(_metadata("dynamic/instance-identity/document"))
            return document
        except (urllib.error.URLError, OSError, ValueError) as error:
            if attempt == IMDS_ATTEMPTS:
                raise AwsError(
                    f"The instance metadata service does not answer ({error}); "
                    "off AWS set AWS_REGION and name the bucket without {account_id}."
                ) from error
            time.sleep(attempt)
    raise AssertionError("unreachable")


class Account:
    """The environment's account as this host sees it. Every error of AWS becomes one sentence (AwsError)."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name

    @cached_property
    def _identity(self) -> dict[str, str]:
        return identity_document()

    @cached_property
    def _region(self) -> str:
        named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        return named or self._identity["region"]

    def _expand(self, text: str) -> str:
        account_id = self._identity["accountId"] if "{account_id}" in text else ""
        return text.format(name=self._name, account_id=account_id)

    def _client(self, service: str) -> Any:
        # botocore takes 0.3 s to import: a status that ends early does not pay for it.
        import boto3
        from botocore.config import Config

        config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=5, read_timeout=30)
        return boto3.client(service, region_name=self._region, config=config)  # type: ignore[call-overload]

    @cached_property
    def _s3(self) -> S3Client:
        client: S3Client = self._client("s3")
        return client

    @cached_property
    def _ssm(self) -> SSMClient:
        client: SSMClient = self._client("ssm")
        return client

    @cached_property
    def _secretsmanager(self) -> SecretsManagerClient:
        client: SecretsManagerClient = self._client("secretsmanager")
        return client

    def pointer(self) -> str | None:
        """The id of the release that this environment points at, or None before its first release."""
        parameter = self._expand(self._settings.pointer)
        with _aws(f"read the parameter {parameter}"):
            try:
                return check_release_id(self._ssm.get_parameter(Name=parameter)["Parameter"]["Value"].strip())
            except self._ssm.exceptions.ParameterNotFound:
                return None

    def _parameters(self, path: str) -> dict[str, str]:
        found: dict[str, str] = {}
        with _aws(f"read the parameters below {path}"):
            pages = self._ssm.get_paginator("get_parameters_by_path").paginate(
                Path=path, Recursive=False, WithDecryption=True
            )
            for page in pages:
                for parameter in page["Parameters"]:
                    found[parameter["Name"].rsplit("/", 1)[-1]] = parameter["Value"]
        return found

    def environment(self) -> dict[str, str]:
        """The application's variables: plain ones and those whose value lies in a secret.

        Raises HostNotSetUpError when a name is set twice or is this program's own.
        """
        variables = self._parameters(self._expand(self._settings.environment_path))
        references = self._parameters(self._expand(self._settings.secrets_path))
        names = variables.keys() | references.keys()
        if twice := (variables.keys() & references.keys()) | (names & OWN_VARIABLES):
            raise HostNotSetUpError(f"More than one owner sets {', '.join(sorted(twice))}.")
        opened: dict[tuple[str, str, str], Any] = {}
        for variable, text in references.items():
            reference = parse_secret_reference(variable, text)
            which = (reference.secret, reference.stage, reference.version)
            if which not in opened:
                opened[which] = self._secret(reference)
            value = opened[which].get(reference.key)
            if not isinstance(value, str | int):
                raise HostNotSetUpError(f"The secret of {variable} has no text or number {reference.key!r}.")
            variables[variable] = str(value)
        return variables

    def _secret(self, reference: SecretReference) -> dict[str, Any]:
        version = {"VersionStage": reference.stage, "VersionId": reference.version}
        with _aws(f"read the secret {reference.secret}"):
            answer = self._secretsmanager.get_secret_value(
                SecretId=reference.secret, **{key: value for key, value in version.items() if value}
            )
        try:
            document = json.loads(answer["SecretString"])
        except (KeyError, ValueError):
            document = None
        if not isinstance(document, dict):
            raise HostNotSetUpError(f"The secret {reference.secret} is not a JSON object.")
        return document

    def complete(self, hook: str) -> bool:
        """Let the group go on with this host. False when it does not wait for the hook, or not yet."""
        from botocore.exceptions import ClientError

        group = self._expand(self._settings.group)
        with _aws(f"complete the lifecycle action of {group}"):
            try:
                self._client("autoscaling").complete_lifecycle_action(
                    AutoScalingGroupName=group,
                    LifecycleHookName=self._expand(hook),
                    InstanceId=self._identity["instanceId"],
                    LifecycleActionResult="CONTINUE",
                )
            except ClientError as error:
                # https://docs.aws.amazon.com/autoscaling/ec2/APIReference/CommonErrors.html
                if error.response["Error"]["Code"] != "ValidationError":
                    raise
                return False
        return True

    def manifest(self, release: str) -> Manifest:
        """The manifest of a release. Raises ReleaseDamagedError when there is none: it is uploaded last."""
        bucket = self._expand(self._settings.releases_bucket)
        with _aws(f"read the manifest of release {release} in {bucket}"):
            try:
                body = self._s3.get_object(Bucket=bucket, Key=manifest_key(release))["Body"].read()
            except self._s3.exceptions.NoSuchKey as error:
                raise ReleaseDamagedError(f"There is no release {release} in {bucket}.") from error
        return parse_manifest(release, body.decode())

    def download(self, manifest: Manifest, to: Path) -> None:
        """The archive of a release as the file `to`. Raises ReleaseDamagedError for another one."""
        bucket = self._expand(self._settings.releases_bucket)
        digest, size = hashlib.sha256(), 0
        with _aws(f"download {manifest.key} from {bucket}"), to.open("wb") as file:
            try:
                body = self._s3.get_object(Bucket=bucket, Key=manifest.key)["Body"]
            except self._s3.exceptions.NoSuchKey as error:
                raise ReleaseDamagedError(f"There is no {manifest.key} in {bucket}.") from error
            for chunk in body.iter_chunks(1 << 20):
                digest.update(chunk)
                size += file.write(chunk)
        if (size, digest.hexdigest()) != (manifest.size, manifest.sha256):
            raise ReleaseDamagedError(
                f"The archive of release {manifest.release} is not the one that was built: "
                f"{size} bytes with SHA-256 {digest.hexdigest()}, "
                f"the manifest says {manifest.size} bytes with {manifest.sha256}."
            )


@contextlib.contextmanager
def _aws(what: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise AwsError(f"Failed to {what}: {error}") from error


# -- the host -----------------------------------------------------------------------------------------------


def say(sentence: str) -> None:
    print(sentence, flush=True)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise HostNotSetUpError(f"{path} cannot be read: {error}.") from error
    if not isinstance(document, dict):
        raise HostNotSetUpError(f"{path} is not a JSON object.")
    return document


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step; only root can read it."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    scratch.replace(path)


def move_link(link: Path, target: Path | None) -> None:
    """Point the symbolic link at `target` in one step, or remove it for None."""
    if target is None:
        link.unlink(missing_ok=True)
        return
    scratch = link.with_name(f".{link.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    scratch.symlink_to(target)
    scratch.replace(link)


def _read_or_none(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def linked_release(link: Path) -> str | None:
    """The release that a link points at, or None when there is none."""
    try:
        return link.readlink().name
    except FileNotFoundError:
        return None


def systemctl(*words: str) -> str:
    """What `systemctl WORDS` prints. Raises ReleaseDoesNotRunError when it fails."""
    done = subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ReleaseDoesNotRunError(f"systemctl {' '.join(words)} failed: {done.stderr.strip()}")
    return done.stdout


def unit_state(unit: str) -> str:
    """active, inactive, failed, activating …"""
    return subprocess.run(["systemctl", "is-active", unit], capture_output=True, text=True, check=False).stdout.strip()


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def probe(path: Path, health_path: str, seconds: float) -> None:
    """Ask the application's socket until it answers 200. Raises ReleaseDoesNotRunError after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        connection = _UnixConnection(path, timeout=max(0.1, min(5.0, deadline - time.monotonic())))
        try:
            connection.request("GET", health_path)
            answer = connection.getresponse()
            if answer.status == 200:
                return
            said = f"{answer.status} {answer.read(200).decode(errors='replace')!r}"
        except (OSError, http.client.HTTPException) as error:
            said = str(error) or repr(error)
        finally:
            connection.close()
        if time.monotonic() >= deadline:
            raise ReleaseDoesNotRunError(f"{health_path} did not answer 200 within {seconds:g} s, but {said}.")
        time.sleep(0.2)


class Host:
    """This machine: its releases, its links, its units."""

    def __init__(self, settings: Settings, account: Account) -> None:
        self._settings = settings
        self._account = account

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the one lock of this host. Raises LockedError when another holds it for too long."""
        self._settings.run_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        deadline = time.monotonic() + LOCK_SECONDS
        with self._settings.lock_file.open("w") as file:
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() >= deadline:
                        raise LockedError(f"Another activation is running for {LOCK_SECONDS:g} s.") from error
                    time.sleep(0.5)
            yield

    def fetched(self, release: str) -> bool:
        return (self._settings.releases / release).is_dir()

    def fetch(self, release: str) -> bool:
        """Unpack the release below `releases/` unless it is there, and say whether it had to be fetched.

        The directory appears under its name only when it is whole: a name that exists is a good release.
        """
        place = self._settings.releases / release
        if place.is_dir():
            return False
        self._settings.releases.mkdir(parents=True, exist_ok=True)
        manifest = self._account.manifest(release)
        scratch = self._settings.releases / f".{release}.incoming"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o755)
        try:
            archive = scratch / "backend.tar.gz"
            self._account.download(manifest, archive)
            tree = scratch / "tree"
            tree.mkdir(mode=0o755)
            try:
                with tarfile.open(archive) as file:
                    file.extractall(tree, filter="data")
            except (tarfile.TarError, EOFError) as error:
                raise ReleaseDamagedError(f"{manifest.key} cannot be unpacked: {error}.") from error
            # A name must not outlive its contents when the power goes.
            os.sync()
            tree.rename(place)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return True

    def environment_text(self, release: str) -> str:
        return render_environment_file({**self._account.environment(), "RELEASE_ID": release})

    def status(self, target: str | None) -> dict[str, Any]:
        """How this host stands to `target`; the keys are an interface of playbooks/release.yml."""
        current = linked_release(self._settings.current)
        service = unit_state(self._settings.service_unit)
        worker = self._worker_state()
        same = False
        if target is not None and current == target and service == "active":
            same = _read_or_none(self._settings.environment_file) == self.environment_text(target)
        return {
            "target": target,
            "current": current,
            "fetched": target is not None and self.fetched(target),
            "service": service,
            "worker": worker,
            "in_step": target is not None
            and is_in_step(target=target, current=current, same_environment=same, service=service, worker=worker),
        }

    def _worker_state(self) -> str | None:
        return unit_state(self._settings.worker_unit) if self._settings.worker_unit else None

    def activate(self, target: str) -> bool:
        """Make `target` the release that serves, and say whether that changed anything.

        No connection is refused and no request cut: the listening socket belongs to systemd, and a second
        service (the bridge) already answers from the new release when the old one is told to finish.
        Raises ReleaseDoesNotRunError after the previous release is back.
        """
        settings = self._settings
        self.fetch(target)
        text = self.environment_text(target)
        previous = linked_release(settings.current)
        previous_text = _read_or_none(settings.environment_file)
        running = unit_state(settings.service_unit) == "active"
        served = is_in_step(
            target=target,
            current=previous,
            same_environment=previous_text == text,
            service="active" if running else "inactive",
        )
        if served and self._worker_state() in (None, "active"):
            return False
        if served:
            # Only the background work is missing; nobody who waits for an answer shall notice.
            self._work(target)
            return True
        place = settings.releases / target
        try:
            if running:
                move_link(settings.next, place)
                write_private(settings.next_environment_file, text)
                self._start(settings.bridge_unit, target)
            try:
                write_private(settings.environment_file, text)
                move_link(settings.current, place)
                self._serve(target)
            except ReleaseDoesNotRunError:
                self._return_to(previous, previous_text)
                raise
        finally:
            # Nobody may be left in the bridge: it would go on serving from what `next` was.
            if running:
                systemctl("stop", settings.bridge_unit)
            move_link(settings.next, None)
            settings.next_environment_file.unlink(missing_ok=True)
        # The order of the directories' times is the order of use: pruning keeps what served last, which is the way
        # back, and not what was fetched last and never served.
        moment = time.time_ns()
        if previous is not None and self.fetched(previous):
            os.utime(settings.releases / previous, ns=(moment - 1_000_000, moment - 1_000_000))
        os.utime(place, ns=(moment, moment))
        return True

    def _start(self, unit: str, release: str) -> None:
        try:
            systemctl("restart", unit)
        except ReleaseDoesNotRunError as error:
            raise ReleaseDoesNotRunError(
                f"Release {release} does not start; `journalctl -u {unit}` says why ({error})."
            ) from error

    def _serve(self, release: str) -> None:
        settings = self._settings
        # A unit that failed too often refuses to start until it is forgiven; one that is not loaded says so.
        subprocess.run(
            ["systemctl", "reset-failed", settings.socket_unit, settings.service_unit],
            capture_output=True,
            check=False,
        )
        systemctl("start", settings.socket_unit)
        self._start(settings.service_unit, release)
        probe(settings.socket, settings.health_path, settings.health_seconds)
        self._work(release)

    def _work(self, release: str) -> None:
        """Let the background work go on in this release; what it does now it finishes first, in its own."""
        unit = self._settings.worker_unit
        if not unit:
            return
        subprocess.run(["systemctl", "reset-failed", unit], capture_output=True, check=False)
        self._start(unit, release)
        deadline = time.monotonic() + WORK_SECONDS
        while (state := unit_state(unit)) == "active" and time.monotonic() < deadline:
            time.sleep(0.2)
        if state != "active":
            raise ReleaseDoesNotRunError(
                f"The background work of release {release} does not stay up; `journalctl -u {unit}` says why."
            )

    def _return_to(self, previous: str | None, previous_text: str | None) -> None:
        settings = self._settings
        move_link(settings.current, None if previous is None else settings.releases / previous)
        if previous is None or previous_text is None:
            settings.environment_file.unlink(missing_ok=True)
            systemctl("stop", *filter(None, [settings.worker_unit, settings.socket_unit, settings.service_unit]))
            return
        write_private(settings.environment_file, previous_text)
        try:
            self._serve(previous)
        except ReleaseDoesNotRunError as error:
            # The failure of the new release is the one to report; this one goes to the journal beside it.
            say(f"Release {previous} does not come back either: {error}")

    def prune(self) -> list[str]:
        """Remove all but the releases used last, and return the ids of those that went."""
        settings = self._settings
        directories = [path for path in settings.releases.iterdir() if not path.name.startswith(".")]
        by_age = sorted(directories, key=lambda path: path.stat().st_mtime, reverse=True)
        links = (linked_release(settings.current), linked_release(settings.next))
        protected = frozenset(link for link in links if link is not None)
        removed = releases_to_remove([path.name for path in by_age], settings.keep, protected)
        for release in removed:
            shutil.rmtree(settings.releases / release)
        return removed

    def end_retries(self) -> None:
        systemctl("stop", self._settings.timer_unit)

    def manage(self, release: str, arguments: Sequence[str]) -> int:
        """Run manage.py of a release as the application's user and return its exit code."""
        with self.lock():
            self.fetch(release)
        place = self._settings.releases / release
        environment = {
            # boto3's too: a command may queue a task.
            **{key: value for key, value in os.environ.items() if key.startswith(("LANG", "LC_", "TERM", "AWS_"))},
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            **self._account.environment(),
            "RELEASE_ID": release,
            "PYTHONPATH": str(place / "site-packages"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(
            ["/usr/bin/python3", "manage.py", *arguments],
            cwd=place / "app",
            env=environment,
            user=self._settings.user,
            group=self._settings.user,
            extra_groups=[],
            check=False,
        )
        return done.returncode


# -- the life of the host within its group --------------------------------------------------------------------


class Attendant:
    """Tells the group when this host may serve, and when it has nothing left to do.

    Completing a hook is all that it says: a host that dies says nothing, and the hook's time runs out.
    """

    def __init__(self, settings: Settings, account: Account) -> None:
        self._settings = settings
        self._account = account
        #: When the host was first ready for the state that it is on its way to; None before.
        self._ready_since: float | None = None
        #: The state that the group knows this host is ready for, or never asked about.
        self._entered: str | None = None
        self._left = False
        self._said = ""

    def attend(self) -> NoReturn:
        """Look where the host is on its way to, without end."""
        while True:
            time.sleep(HURRY_SECONDS if self.step() else ATTEND_SECONDS)

    def step(self) -> bool:
        """Look once, and do what is due; whether the group may wait for the host to become ready."""
        state = target_state()
        if state in READY_STATES and state != self._entered:
            return self._enter(state)
        if state in LEAVING_STATES and not self._left:
            self._leave()
        return False

    def _enter(self, state: str) -> bool:
        if not may_serve(_show(self._settings.activate_unit, "Result", "ExecMainExitTimestampMonotonic")):
            return True
        now = time.monotonic()
        self._ready_since = now if self._ready_since is None else self._ready_since
        completed = self._complete(self._settings.launch_hook)
        if completed:
            say(f"ready: the group lets this host become {state}.")
        if completed or now - self._ready_since >= READY_SECONDS:
            self._entered, self._ready_since = state, None
        return False

    def _leave(self) -> None:
        """The balancer sends nothing new; what is begun is finished, then the group may end this host."""
        began = time.monotonic()
        say("The group takes this host out of service.")
        self._stop(self._settings.worker_unit)
        time.sleep(max(0.0, self._settings.drain_seconds - (time.monotonic() - began)))
        for unit in self._settings.leaving_units:
            self._stop(unit)
        # The group drains for itself before it waits for the hook.
        while not self._complete(self._settings.terminate_hook):
            if target_state() not in (*LEAVING_STATES, None):
                return
            time.sleep(ATTEND_SECONDS)
        say("finished: the group may end this host.")
        self._left = True

    def _stop(self, unit: str) -> None:
        if not unit:
            return
        try:
            systemctl("stop", unit)
        except ReleaseDoesNotRunError as error:
            # It goes with the host; the others shall end well all the same.
            say(str(error))

    def _complete(self, hook: str) -> bool:
        try:
            return self._account.complete(hook)
        except AwsError as error:
            if str(error) != self._said:
                self._said = str(error)
                print(f"slipway-activate: {error}", file=sys.stderr)
            return False


def _show(unit: str, *properties: str) -> str:
    words = ["systemctl", "show", *(f"--property={name}" for name in properties), unit]
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


# -- the command --------------------------------------------------------------------------------------------


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="slipway-activate", description="Activate a release on this host.")
    verb = parser.add_mutually_exclusive_group()
    verb.add_argument("--release", metavar="ID", help="activate ID, whatever the pointer says")
    verb.add_argument("--fetch-only", metavar="ID", help="fetch, verify and unpack ID")
    verb.add_argument("--manage", metavar="ID", help="run manage.py of ID with the arguments after --")
    verb.add_argument("--attend", action="store_true", help="complete the lifecycle hooks of the Auto Scaling group")
    verb.add_argument("--status", metavar="ID", nargs="?", const="", help="print how this host stands to ID")
    parser.add_argument("arguments", nargs="*", help="for --manage, after --")
    parsed = parser.parse_args(arguments)
    if bool(parsed.arguments) != (parsed.manage is not None):
        parser.error("--manage ID -- COMMAND …: a command belongs to --manage, and --manage needs one")
    return parsed


def _adopt_manager_environment() -> None:
    if "INVOCATION_ID" in os.environ:
        return
    shown = subprocess.run(["systemctl", "show-environment"], capture_output=True, text=True, check=False)
    for name, value in parse_manager_environment(shown.stdout).items():
        os.environ.setdefault(name, value)


def _uptime_minutes() -> float:
    """Minutes since this system's own start; /proc/uptime tells a container its machine's."""
    words = ["systemctl", "show", "--property=UserspaceTimestampMonotonic", "--value"]
    started = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return (time.monotonic() - int(started) / 1_000_000) / 60


def _run(options: argparse.Namespace) -> int:
    if not HOST_FILE.exists():
        say(f"{HOST_FILE} is not there: this machine was not launched for an environment.")
        return 0
    settings = parse_settings(_read_json(SETTINGS_FILE))
    name = _read_json(HOST_FILE).get("name")
    if not isinstance(name, str) or not name:
        raise HostNotSetUpError(f"{HOST_FILE} has no name of an environment.")
    _adopt_manager_environment()
    account = Account(settings, name)
    host = Host(settings, account)

    if options.attend:
        Attendant(settings, account).attend()
    if options.manage is not None:
        return host.manage(check_release_id(options.manage), options.arguments)
    if options.status is not None:
        target = check_release_id(options.status) if options.status else account.pointer()
        say(json.dumps(host.status(target), sort_keys=True))
        return 0
    with host.lock():
        if options.fetch_only is not None:
            release = check_release_id(options.fetch_only)
            say(f"fetched {release}" if host.fetch(release) else f"unchanged {release}")
            return 0
        pointed = check_release_id(options.release) if options.release else account.pointer()
        if pointed is None:
            over = _uptime_minutes() > settings.retry_minutes
            say(f"{name} has no release yet" + ("; no more tries until the next boot." if over else "."))
            if over:
                host.end_retries()
            return 0
        changed = host.activate(pointed)
        removed = host.prune()
        host.end_retries()
    if removed:
        say(f"removed {' '.join(removed)}")
    say(f"{'activated' if changed else 'unchanged'} {pointed}")
    return 0


def main(arguments: Sequence[str]) -> int:
    os.umask(0o022)
    options = _parse(arguments)
    try:
        return _run(options)
    except ActivationError as failure:
        print(f"slipway-activate: {failure}", file=sys.stderr)
        return failure.code


def command() -> NoReturn:
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    command()
