#!/usr/bin/python3
"""Write what this host's units say into their log groups of CloudWatch.

The journal is the buffer: every few seconds the lines after a kept position are read, sent, and only then is the
position moved. While CloudWatch is away the journal keeps the lines, within its own bounds; after a crash some lines
arrive twice, none is missing. Memory holds one batch.

What is the same for every host of an image stands in /etc/slipway/telemetry.json, the environment's name in
/etc/slipway/host.json (written by the launch template's user data); instance and region come from cloud-init. A stream
is named like the instance. boto3's own variables (AWS_REGION, AWS_ENDPOINT_URL, credentials) win.

Exit codes: 0 told to stop; 3 this host is not set up.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

HOST_FILE = Path("/etc/slipway/host.json")
SETTINGS_FILE = Path("/etc/slipway/telemetry.json")
CLOUD_INIT_FILE = Path("/run/cloud-init/instance-data.json")

#: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
BATCH_BYTES = 1_048_576
BATCH_EVENTS = 10_000
EVENT_OVERHEAD_BYTES = 26
BATCH_SPAN_MILLISECONDS = 24 * 3600 * 1000
#: A longer line is no line; what was the limit for years is enough for any stack trace.
MESSAGE_BYTES = 256 * 1024 - EVENT_OVERHEAD_BYTES

LONGEST_WAIT_SECONDS = 60.0
#: The group's own fault, not the moment's: the group's lines stay in the journal, the others go on.
REFUSALS = frozenset({"AccessDeniedException", "InvalidParameterException", "ResourceNotFoundException"})

FIELDS = ("MESSAGE", "PRIORITY", "UNIT", "_PID", "_SYSTEMD_UNIT")


class NotSetUpError(Exception):
    """One sentence: why this host cannot send anything."""


class JournalError(Exception):
    """journalctl ended with an error; its own words."""


class AwayError(Exception):
    """CloudWatch did not take the lines, and may take them later."""


# -- pure ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """/etc/slipway/telemetry.json, one key a field. Names of groups are formats with `{name}` (of the environment)."""

    #: Group -> the units whose lines it gets.
    groups: Mapping[str, Sequence[str]]
    #: Gets what every other unit and the kernel say from `rest_priority` (syslog's, 0 is the worst) on.
    rest_group: str
    rest_priority: int
    state_directory: Path
    interval_seconds: float


def parse_settings(document: Mapping[str, Any]) -> Settings:
    """Settings from the parsed JSON. Raises NotSetUpError for a missing or unknown key."""
    wanted = set(Settings.__dataclass_fields__)
    if difference := wanted.symmetric_difference(document):
        raise NotSetUpError(f"{SETTINGS_FILE} lacks or does not know: {', '.join(sorted(difference))}.")
    return Settings(**{**document, "state_directory": Path(document["state_directory"])})


@dataclass(frozen=True)
class Entry:
    """One line of the journal."""

    cursor: str
    milliseconds: int
    message: str
    #: The unit that spoke, or, of the service manager's own lines, the unit that it spoke of.
    unit: str
    priority: int


def parse_entry(line: str | bytes) -> Entry:
    """One line of `journalctl --output=json`; a field with bytes that are no text is a list of numbers there."""
    document = json.loads(line)
    manager = _text(document.get("_PID")) == "1"
    priority = _text(document.get("PRIORITY"))
    return Entry(
        cursor=document["__CURSOR"],
        milliseconds=int(document["__REALTIME_TIMESTAMP"]) // 1000,
        message=_text(document.get("MESSAGE")),
        unit=_text(document.get("UNIT")) if manager else _text(document.get("_SYSTEMD_UNIT")),
        priority=int(priority) if priority.isdigit() else 6,
    )


def _text(value: Any) -> str:
    if isinstance(value, list):
        if all(isinstance(item, int) for item in value):
            return bytes(value).decode(errors="replace")
        return _text(value[0])
    return "" if value is None else str(value)


class Routes:
    """Which group a line belongs to."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._by_unit = {unit: group.format(name=name) for group, units in settings.groups.items() for unit in units}
        self._rest = settings.rest_group.format(name=name)
        self._rest_priority = settings.rest_priority

    def group(self, entry: Entry) -> str | None:
        """The group, or None for a line that nobody keeps."""
        if group := self._by_unit.get(entry.unit):
            return group
        return self._rest if self._rest and entry.priority <= self._rest_priority else None


def shortened(message: str) -> str:
    """The message, cut at the end to what one event may hold."""
    encoded = message.encode()
    if len(encoded) <= MESSAGE_BYTES:
        return message
    return encoded[: MESSAGE_BYTES - 3].decode(errors="ignore") + "…"


@dataclass
class Batch:
    """Lines that are sent together: within the limits of one call, whatever group each belongs to."""

    cursor: str = ""
    groups: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _bytes: int = 0
    _events: int = 0
    _first: int | None = None
    _last: int | None = None

    def takes(self, group: str | None, entry: Entry) -> bool:
        """Add a line, or say that it has no room and another batch has to begin with it."""
        # CloudWatch takes no event without a text.
        if group is None or not entry.message.strip():
            self.cursor = entry.cursor
            return True
        message = shortened(entry.message)
        size = len(message.encode()) + EVENT_OVERHEAD_BYTES
        first = entry.milliseconds if self._first is None else min(self._first, entry.milliseconds)
        last = entry.milliseconds if self._last is None else max(self._last, entry.milliseconds)
        full = self._events == BATCH_EVENTS or self._bytes + size > BATCH_BYTES
        if self._events and (full or last - first >= BATCH_SPAN_MILLISECONDS):
            return False
        self.groups.setdefault(group, []).append({"timestamp": entry.milliseconds, "message": message})
        self._bytes, self._events, self._first, self._last = self._bytes + size, self._events + 1, first, last
        self.cursor = entry.cursor
        return True


def batches(entries: Iterable[Entry], group: Callable[[Entry], str | None]) -> Iterator[Batch]:
    """All entries in batches, in their order. The last one may hold nothing but a position."""
    batch = Batch()
    for entry in entries:
        where = group(entry)
        if not batch.takes(where, entry):
            yield batch
            batch = Batch()
            batch.takes(where, entry)
    if batch.cursor:
        yield batch


# -- the journal and the account ----------------------------------------------------------------------------


class Journal:
    """The host's journal, from a kept position on."""

    def __init__(self, directory: Path, command: Sequence[str] = ("journalctl",)) -> None:
        self._file = directory / "cursor"
        self._command = command

    @property
    def cursor(self) -> str:
        """The position, empty before the first line was sent."""
        return self._file.read_text().strip() if self._file.exists() else ""

    def keep(self, cursor: str) -> None:
        """Move the position; a file that is half written would lose it."""
        scratch = self._file.with_suffix(".new")
        scratch.write_text(f"{cursor}\n")
        scratch.replace(self._file)

    def forget(self) -> None:
        """Begin anew, at the start of this boot."""
        self._file.unlink(missing_ok=True)

    def entries(self) -> Iterator[Entry]:
        """What was written since the position. Raises JournalError."""
        cursor = self.cursor
        words = [
            *self._command,
            "--output=json",
            "--all",
            "--no-pager",
            "--quiet",
            f"--output-fields={','.join(FIELDS)}",
        ]
        # Without a position this boot is all: an earlier one belongs to whoever made the image.
        words.append(f"--after-cursor={cursor}" if cursor else "--boot")
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            if process.stdout is None or process.stderr is None:
                raise JournalError("journalctl has no output")
            try:
                for line in process.stdout:
                    yield parse_entry(line)
            except GeneratorExit:
                process.kill()
                raise
            said = process.stderr.read().decode(errors="replace").strip()
        if process.returncode != 0:
            raise JournalError(said or f"journalctl ended with {process.returncode}")


class Groups:
    """The log groups, and this host's stream in each of them."""

    def __init__(self, client: Callable[[], Any], stream: str, tell: Callable[[str], None]) -> None:
        self._make = client
        self._client: Any = None
        self._stream = stream
        self._tell = tell
        #: Group -> why it takes nothing.
        self._refused: dict[str, str] = {}

    def put(self, batch: Batch) -> None:
        """Send a batch. Raises AwayError when CloudWatch may take it later; a group that refuses is told of once."""
        from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError, NoCredentialsError

        for group, events in batch.groups.items():
            # The journal is in the order of arrival, and the clock may have been set in between.
            ordered = sorted(events, key=lambda event: event["timestamp"])
            try:
                if self._client is None:
                    self._client = self._make()
                self._write(group, ordered)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code", "")
                if code not in REFUSALS:
                    raise AwayError(str(error)) from error
                if self._refused.get(group) != code:
                    self._tell(f"{group} takes nothing ({error}): its lines stay in this host's journal.")
                self._refused[group] = code
            except BotoCoreError as error:
                if isinstance(error, (NoCredentialsError, CredentialRetrievalError)):
                    # A client that was made before there were credentials never gets any.
                    self._client = None
                raise AwayError(str(error)) from error
            else:
                if self._refused.pop(group, None):
                    self._tell(f"{group} takes lines again.")

    def _write(self, group: str, events: Sequence[Mapping[str, Any]]) -> None:
        place = {"logGroupName": group, "logStreamName": self._stream}
        try:
            answer = self._client.put_log_events(**place, logEvents=events)
        except self._client.exceptions.ResourceNotFoundException:
            with contextlib.suppress(self._client.exceptions.ResourceAlreadyExistsException):
                self._client.create_log_stream(**place)
            answer = self._client.put_log_events(**place, logEvents=events)
        if rejected := answer.get("rejectedLogEventsInfo"):
            self._tell(f"{group} did not take lines that are too old or too new: {json.dumps(rejected)}.")


class Shipper:
    """Reads and sends until it is told to stop."""

    def __init__(
        self, journal: Journal, routes: Routes, groups: Groups, interval: float, tell: Callable[[str], None]
    ) -> None:
        self._journal = journal
        self._routes = routes
        self._groups = groups
        self._interval = interval
        self._tell = tell
        self.stopped = threading.Event()

    def once(self) -> None:
        """Send all that is there. Raises AwayError, JournalError."""
        for batch in batches(self._journal.entries(), self._routes.group):
            self._groups.put(batch)
            self._journal.keep(batch.cursor)

    def run(self) -> None:
        """Until `stopped`; then once more, for what was said while everything else stopped."""
        failures = 0
        while not self.stopped.is_set():
            try:
                self.once()
            except AwayError as error:
                failures += 1
                if failures == 1:
                    self._tell(f"CloudWatch Logs cannot be reached ({error}); the journal keeps the lines.")
            except JournalError as error:
                failures += 1
                if "cursor" in str(error):
                    self._journal.forget()
                    self._tell(f"The kept position is none of this journal ({error}): this boot's lines are sent anew.")
                elif failures == 1:
                    self._tell(f"The journal cannot be read: {error}")
            else:
                if failures:
                    self._tell("Lines are sent again.")
                failures = 0
            # Not all hosts of a group at the same moment.
            wait = min(self._interval * 2**failures, LONGEST_WAIT_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311
            self.stopped.wait(wait)
        try:
            self.once()
        except (AwayError, JournalError) as error:
            self._tell(f"The last lines are not sent: {error}")


# -- the command --------------------------------------------------------------------------------------------


def tell(sentence: str) -> None:
    print(f"<4>{sentence}", file=sys.stderr, flush=True)


def read_json(path: Path) -> dict[str, Any]:
    """Raises NotSetUpError."""
    try:
        document: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise NotSetUpError(f"{path} cannot be read: {error}") from error
    return document


def identity(document: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[str, str]:
    """Instance and region. Raises NotSetUpError when nobody knows the region.

    https://docs.cloud-init.io/en/latest/explanation/instancedata.html#standardized-instance-data-json-v1-keys
    """
    known = document.get("v1", {})
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or known.get("region")
    if not region:
        raise NotSetUpError(f"Neither {CLOUD_INIT_FILE} nor AWS_REGION says which region this is.")
    return str(known.get("instance_id") or socket.gethostname()), str(region)


def make_client(region: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "max_attempts": 2}, connect_timeout=5, read_timeout=10)
    return boto3.client("logs", region_name=region, config=config)


def main() -> int:
    os.umask(0o077)
    try:
        settings = parse_settings(read_json(SETTINGS_FILE))
        name = str(read_json(HOST_FILE)["name"])
        stream, region = identity(read_json(CLOUD_INIT_FILE) if CLOUD_INIT_FILE.exists() else {}, os.environ)
    except (NotSetUpError, KeyError) as error:
        print(f"<3>slipway-ship-logs: {error}", file=sys.stderr)
        return 3
    groups = Groups(lambda: make_client(region), stream, tell)
    shipper = Shipper(
        Journal(settings.state_directory), Routes(settings, name), groups, settings.interval_seconds, tell
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: shipper.stopped.set())
    shipper.run()
    return 0


def command() -> NoReturn:
    sys.exit(main())


if __name__ == "__main__":
    command()
