"""slipway-ship-logs: which line goes where, what one call may hold, and that no line is lost while AWS is away."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from rehearsal.emulator import operator
from rehearsal.emulator.server import Emulator

PROGRAM = Path(__file__).parents[2] / "roles" / "telemetry" / "files" / "slipway_ship_logs.py"
REGION = "eu-west-1"
#: CloudWatch takes nothing that is older than two weeks.
START = int(time.time() * 1000) - 60_000


def load() -> ModuleType:
    specification = importlib.util.spec_from_file_location("slipway_ship_logs", PROGRAM)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


ship = load()

SETTINGS: dict[str, Any] = {
    "groups": {"/{name}/nginx": ["nginx.service"], "/{name}/application": ["gunicorn.service", "worker.service"]},
    "rest_group": "/{name}/system",
    "rest_priority": 4,
    "state_directory": "/var/lib/slipway-logs",
    "interval_seconds": 0.01,
}


def line(number: int, message: Any, unit: str = "nginx.service", **fields: Any) -> str:
    entry = {
        "__CURSOR": f"s=1;i={number}",
        "__REALTIME_TIMESTAMP": str((START + number) * 1000),
        "MESSAGE": message,
        "PRIORITY": "6",
        "_SYSTEMD_UNIT": unit,
        "_PID": "77",
    }
    return json.dumps(entry | fields)


def entry(number: int, message: str = "x", **fields: Any) -> Any:
    return ship.parse_entry(line(number, message, **fields))


# -- pure --------------------------------------------------------------------------------------------------------------


def test_a_setting_too_many_or_too_few_is_named() -> None:
    wrong = {**SETTINGS, "grups": {}}
    del wrong["groups"]

    with pytest.raises(ship.NotSetUpError, match=r"groups, grups"):
        ship.parse_settings(wrong)


@pytest.mark.parametrize(
    ("written", "read"),
    [("a {} b", "a {} b"), ([104, 105, 255], "hi\ufffd"), (["first", "second"], "first"), (None, ""), ("é 漢", "é 漢")],
)
def test_the_forms_of_a_message(written: Any, read: str) -> None:
    assert ship.parse_entry(line(1, written)).message == read


@pytest.mark.parametrize(
    ("fields", "group"),
    [
        ({"unit": "nginx.service"}, "/stack/nginx"),
        ({"unit": "worker.service"}, "/stack/application"),
        # What the service manager says of a unit belongs to it.
        ({"unit": "init.scope", "_PID": "1", "UNIT": "gunicorn.service", "PRIORITY": "5"}, "/stack/application"),
        # A process may say of itself what it likes.
        ({"unit": "ssh.service", "UNIT": "gunicorn.service"}, None),
        ({"unit": "cron.service", "PRIORITY": "4"}, "/stack/system"),
        ({"unit": "cron.service", "PRIORITY": "5"}, None),
        ({"unit": "", "PRIORITY": "2"}, "/stack/system"),
    ],
)
def test_a_line_has_one_group_or_none(fields: dict[str, Any], group: str | None) -> None:
    routes = ship.Routes(ship.parse_settings(SETTINGS), "stack")

    assert routes.group(entry(1, "x", **fields)) == group


def test_without_a_group_for_the_rest_it_stays() -> None:
    routes = ship.Routes(ship.parse_settings({**SETTINGS, "rest_group": ""}), "stack")

    assert routes.group(entry(1, "x", unit="cron.service", PRIORITY="0")) is None


def sizes(found: Any) -> list[int]:
    return [
        sum(len(event["message"].encode()) + 26 for events in batch.groups.values() for event in events)
        for batch in found
    ]


def test_a_batch_keeps_to_what_one_call_may_hold() -> None:
    many = [entry(number, "é" * 1000) for number in range(1500)]
    by_size = list(ship.batches(many, lambda _: "g"))
    assert max(sizes(by_size)) <= ship.BATCH_BYTES
    assert [event["message"] for batch in by_size for event in batch.groups["g"]] == ["é" * 1000] * 1500

    by_number = list(ship.batches([entry(number) for number in range(25_000)], lambda _: "g"))
    assert [len(batch.groups["g"]) for batch in by_number] == [10_000, 10_000, 5_000]
    assert by_number[-1].cursor == "s=1;i=24999"

    day = 24 * 3600 * 1000
    by_time = list(ship.batches([entry(0), entry(day - 1), entry(day)], lambda _: "g"))
    assert [len(batch.groups["g"]) for batch in by_time] == [2, 1]


def test_a_line_that_is_too_long_is_cut_between_two_characters() -> None:
    (batch,) = ship.batches([entry(1, "漢" * 200_000)], lambda _: "g")
    (event,) = batch.groups["g"]
    assert len(event["message"].encode()) <= ship.MESSAGE_BYTES
    assert set(event["message"]) == {"漢", "…"}


def test_lines_that_nobody_keeps_move_the_position() -> None:
    (batch,) = ship.batches([entry(1, unit="cron"), entry(2, " ")], lambda one: "g" if one.message == " " else None)
    assert (batch.groups, batch.cursor) == ({}, "s=1;i=2")


def test_who_this_host_is() -> None:
    known = {"v1": {"instance_id": "i-1", "region": "eu-west-3"}}
    assert ship.identity(known, {}) == ("i-1", "eu-west-3")
    assert ship.identity(known, {"AWS_REGION": "eu-west-1"}) == ("i-1", "eu-west-1")
    with pytest.raises(ship.NotSetUpError, match="AWS_REGION"):
        ship.identity({"v1": {"instance_id": "i-1", "region": None}}, {})


# -- the journal -------------------------------------------------------------------------------------------------------


class FakeJournal:
    """A program that answers as journalctl does: what lies after the position, or this boot."""

    def __init__(self, directory: Path) -> None:
        self.lines, self.asked = directory / "lines", directory / "asked"
        self.lines.write_text("")
        program = directory / "journalctl.py"
        program.write_text(
            "import json, sys\n"
            f"open({str(self.asked)!r}, 'a').write(json.dumps(sys.argv[1:]) + chr(10))\n"
            "after = [word.split('=', 1)[1] for word in sys.argv if word.startswith('--after-cursor=')]\n"
            "if after == ['damaged']: sys.exit('Failed to seek to cursor: Invalid argument')\n"
            f"lines = open({str(self.lines)!r}).read().splitlines()\n"
            "known = [json.loads(line)['__CURSOR'] for line in lines]\n"
            "sys.stdout.writelines(line + chr(10) for line in lines[known.index(after[0]) + 1 if after else 0:])\n"
        )
        self.command = (sys.executable, str(program))
        self.journal = ship.Journal(directory, self.command)

    def says(self, *numbers: int, **fields: Any) -> None:
        with self.lines.open("a") as file:
            file.writelines(f"{line(number, f'line {number}', **fields)}\n" for number in numbers)

    def words(self) -> list[list[str]]:
        return [json.loads(text) for text in self.asked.read_text().splitlines()]


@pytest.fixture
def journal(tmp_path: Path) -> FakeJournal:
    return FakeJournal(tmp_path)


@dataclass
class Told:
    sentences: list[str] = field(default_factory=list)

    def __call__(self, sentence: str) -> None:
        self.sentences.append(sentence)


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("logs", region_name=REGION)
        for group in ("/stack/nginx", "/stack/application", "/stack/system"):
            client.create_log_group(logGroupName=group)
        yield client


def events(logs: Any, group: str, stream: str = "i-1") -> list[str]:
    found = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
    return [event["message"] for event in found]


def shipper(journal: FakeJournal, client: Any, tell: Told) -> Any:
    routes = ship.Routes(ship.parse_settings(SETTINGS), "stack")
    return ship.Shipper(journal.journal, routes, ship.Groups(lambda: client, "i-1", tell), 0.01, tell)


def test_lines_arrive_once_in_the_stream_of_the_instance(journal: FakeJournal, logs: Any) -> None:
    told = Told()
    journal.says(1, 2)
    journal.says(3, unit="worker.service")
    one = shipper(journal, logs, told)
    one.once()
    one.once()
    journal.says(4)
    shipper(journal, logs, told).once()  # after a restart

    assert events(logs, "/stack/nginx") == ["line 1", "line 2", "line 4"]
    assert events(logs, "/stack/application") == ["line 3"]
    assert told.sentences == []
    first, second = journal.words()[:2]
    assert "--boot" in first
    assert "--after-cursor=s=1;i=3" in second
    # Without it a line of more than four kilobytes has no text.
    assert "--all" in first


class Away:
    """The account behind a line that breaks."""

    def __init__(self, client: Any, error: Exception, times: int) -> None:
        self._client, self._error, self._left = client, error, times
        self.exceptions = client.exceptions

    def put_log_events(self, **arguments: Any) -> Any:
        if self._left:
            self._left -= 1
            raise self._error
        return self._client.put_log_events(**arguments)

    def create_log_stream(self, **arguments: Any) -> Any:
        return self._client.create_log_stream(**arguments)


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "PutLogEvents")


@pytest.mark.parametrize(
    "error",
    [EndpointConnectionError(endpoint_url="x"), refusal("ThrottlingException"), refusal("ExpiredTokenException")],
)
def test_nothing_is_lost_while_the_account_is_away(journal: FakeJournal, logs: Any, error: Exception) -> None:
    told = Told()
    journal.says(1, 2)
    one = shipper(journal, Away(logs, error, 3), told)
    thread = threading.Thread(target=one.run)
    thread.start()
    deadline = time.monotonic() + 20
    while not journal.journal.cursor and time.monotonic() < deadline:
        time.sleep(0.02)
    journal.says(3)
    one.stopped.set()
    thread.join(20)

    # The line that was written last is sent at the end.
    assert events(logs, "/stack/nginx") == ["line 1", "line 2", "line 3"]
    # Told when it begins and when it is over, not each time.
    assert [sentence[:20] for sentence in told.sentences] == ["CloudWatch Logs cann", "Lines are sent again"]


def test_a_group_that_refuses_keeps_no_other_waiting(journal: FakeJournal, logs: Any) -> None:
    logs.delete_log_group(logGroupName="/stack/nginx")
    told = Told()
    one = shipper(journal, logs, told)
    for number in (1, 3):
        journal.says(number)
        journal.says(number + 1, unit="worker.service")
        one.once()
    assert events(logs, "/stack/application") == ["line 2", "line 4"]
    assert len(told.sentences) == 1
    assert "/stack/nginx takes nothing" in told.sentences[0]

    logs.create_log_group(logGroupName="/stack/nginx")
    journal.says(5)
    one.once()
    assert events(logs, "/stack/nginx") == ["line 5"]
    assert told.sentences[1] == "/stack/nginx takes lines again."


def test_a_position_that_is_none_is_forgotten(journal: FakeJournal, logs: Any) -> None:
    told = Told()
    journal.journal.keep("damaged")
    journal.says(1)
    one = shipper(journal, logs, told)
    one.stopped.set()
    with pytest.raises(ship.JournalError, match="cursor"):
        one.once()
    one.stopped.clear()
    thread = threading.Thread(target=one.run)
    thread.start()
    deadline = time.monotonic() + 20
    while journal.journal.cursor in ("", "damaged") and time.monotonic() < deadline:
        time.sleep(0.02)
    one.stopped.set()
    thread.join(20)
    assert events(logs, "/stack/nginx") == ["line 1"]


def test_events_are_in_the_order_of_their_time(journal: FakeJournal, logs: Any) -> None:
    # The clock was set back between the two.
    journal.says(5, 2)
    shipper(journal, logs, Told()).once()
    assert events(logs, "/stack/nginx") == ["line 2", "line 5"]


def test_the_program_sends_the_last_line_when_it_is_told_to_stop(tmp_path: Path, journal: FakeJournal) -> None:
    """The whole program as systemd runs it, against an emulated account over HTTP."""
    for name, content in (
        ("telemetry.json", {**SETTINGS, "state_directory": str(tmp_path), "interval_seconds": 0.2}),
        ("host.json", {"name": "stack"}),
        ("instance-data.json", {"v1": {"instance_id": "i-9", "region": REGION}}),
    ):
        (tmp_path / name).write_text(json.dumps(content))
    program = tmp_path / "program.py"
    program.write_text(
        PROGRAM.read_text()
        .replace('Path("/etc/slipway/', f'Path("{tmp_path}/')
        .replace('Path("/run/cloud-init/', f'Path("{tmp_path}/')
        .replace('("journalctl",)', repr(journal.command))
    )
    emulator = Emulator(0)
    emulator.start()
    try:
        endpoint = f"http://127.0.0.1:{emulator.port}"
        credentials = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": operator.ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": operator.SECRET_ACCESS_KEY,
        }
        client = boto3.client(
            "logs",
            region_name=REGION,
            endpoint_url=endpoint,
            aws_access_key_id=operator.ACCESS_KEY_ID,
            aws_secret_access_key=operator.SECRET_ACCESS_KEY,
        )
        client.create_log_group(logGroupName="/stack/nginx")
        journal.says(1)
        environment = {**os.environ, **credentials}
        with subprocess.Popen([sys.executable, program], env=environment, stderr=subprocess.PIPE, text=True) as process:
            deadline = time.monotonic() + 30
            while not journal.journal.cursor and time.monotonic() < deadline:
                time.sleep(0.05)
            journal.says(2)
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (0, "")
        assert events(client, "/stack/nginx", "i-9") == ["line 1", "line 2"]
    finally:
        emulator.stop()


def test_a_host_that_is_not_set_up_says_what_is_missing(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM.read_text().replace('Path("/etc/slipway/', f'Path("{tmp_path}/'))
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 3
    assert f"{tmp_path}/telemetry.json cannot be read" in done.stderr
