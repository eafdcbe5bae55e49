"""The lock against a Parameter Store of its own: one holder at a time, whoever is slow, dies or takes over."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import boto3
import pytest
from ansible_collections.amazon.aws.plugins.module_utils.exceptions import AnsibleAWSError  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.module_utils.aws import Api
from ansible_collections.slipway.aws.plugins.module_utils.run_lock import (
    Claim,
    Held,
    Keeper,
    Lock,
    LockedError,
    LostError,
    NotYetFreeError,
)
from ansible_collections.slipway.aws.plugins.modules import run_lock
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

LEASE = 120
BEGIN = datetime(2026, 11, 22, 12, tzinfo=UTC)


class ParameterStore:
    """What PutParameter, GetParameter and DeleteParameter promise, with a clock of its own."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.parameters: dict[str, list[tuple[str, datetime]]] = {}
        self.calls: list[str] = []
        self.before: Callable[[], None] = lambda: None
        #: From when on a name that was deleted can be taken again.
        self.free: dict[str, datetime] = {}
        self.keeps_names = timedelta()

    def call(self, _doing: str, operation: str, /, **parameters: Any) -> Any:
        self.before()
        self.calls.append(operation)
        answer = getattr(self, operation)(**parameters)
        return {**answer, "ResponseMetadata": {"HTTPHeaders": {"date": format_datetime(self.now)}}}

    def call_if_exists(self, doing: str, operation: str, /, *, missing: set[str], **parameters: Any) -> Any:
        try:
            return self.call(doing, operation, **parameters)
        except AnsibleAWSError as error:
            if error.exception.response["Error"]["Code"] in missing:
                return None
            raise

    def refuse(self, code: str, operation: str) -> AnsibleAWSError:
        return AnsibleAWSError(exception=ClientError({"Error": {"Code": code, "Message": code}}, operation))

    def put_parameter(self, Name: str, Value: str, Overwrite: bool, **_rest: Any) -> Any:  # noqa: N803
        versions = self.parameters.get(Name, [])
        if not Overwrite and (versions or self.now < self.free.get(Name, self.now)):
            raise self.refuse("ParameterAlreadyExists", "PutParameter")
        self.parameters[Name] = [*versions, (Value, self.now)]
        versions = self.parameters[Name]
        return {"Version": len(versions)}

    def get_parameter(self, Name: str) -> Any:  # noqa: N803
        name, _, version = Name.partition(":")
        if name not in self.parameters:
            raise self.refuse("ParameterNotFound", "GetParameter")
        return {"Parameter": {"Value": self.parameters[name][int(version or 0) - 1][0]}}

    def delete_parameter(self, Name: str) -> Any:  # noqa: N803
        if Name not in self.parameters:
            raise self.refuse("ParameterNotFound", "DeleteParameter")
        del self.parameters[Name]
        self.free[Name] = self.now + self.keeps_names
        return {}

    def get_parameters_by_path(self, Path: str) -> Any:  # noqa: N803
        assert all(name.startswith(f"{Path}/") for name in self.parameters)
        return {
            "Parameters": [
                {"Name": name, "Value": versions[-1][0], "LastModifiedDate": versions[-1][1]}
                for name, versions in self.parameters.items()
            ]
        }


def claim(name: str, pid: int = 1) -> Claim:
    return Claim(id=name, user=name, host="laptop", playbook="site.yml", pid=pid, lease=LEASE)


def lock(store: Any) -> Lock:
    return Lock(store, "/locks/staging", "staging")


@pytest.fixture
def store() -> ParameterStore:
    return ParameterStore()


def test_a_run_alone_costs_two_requests(store: ParameterStore) -> None:
    held = lock(store).take(claim("alice"))
    lock(store).release(held)
    assert store.calls == ["put_parameter", "delete_parameter"]
    assert store.parameters == {}


def test_the_second_is_told_who_and_since_when(store: ParameterStore) -> None:
    held = lock(store).take(claim("alice", pid=4711))
    store.now += timedelta(seconds=50)
    lock(store).renew(held)
    store.now += timedelta(seconds=15)
    with pytest.raises(LockedError) as refused:
        lock(store).take(claim("bob"))
    assert str(refused.value) == (
        "[locked] staging is being changed by alice on laptop (site.yml, process 4711) since 2026-11-22 12:00:00 UTC; "
        "it was last heard of 15 s ago. Wait for its end. If that run is dead, its lease ends by itself in 106 s."
    )


def test_a_dead_run_keeps_it_no_longer_than_its_lease(store: ParameterStore) -> None:
    lock(store).take(claim("alice"))
    store.now += timedelta(seconds=LEASE + 1)
    held = lock(store).take(claim("bob"))
    assert (held.generation, held.claim.user) == (2, "bob")
    with pytest.raises(LockedError, match="bob"):
        lock(store).take(claim("carol"))
    lock(store).release(held)
    assert store.parameters == {}


class Waiting:
    """The clock of the machine, which stands still but for the sleeping; the store's goes with it."""

    def __init__(self, store: ParameterStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = store
        self.seconds = 1000.0
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], None] = lambda: None
        monkeypatch.setattr(run_lock, "clock", lambda: self.seconds)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        self.store.now += timedelta(seconds=seconds)
        self.meanwhile()


@pytest.fixture
def waiting(store: ParameterStore, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    """Somebody has just let the lock go, and AWS keeps its name for half a minute."""
    store.keeps_names = timedelta(seconds=30)
    lock(store).release(lock(store).take(claim("alice")))
    return Waiting(store, monkeypatch)


def test_a_name_that_was_just_let_go_is_waited_for(store: ParameterStore, waiting: Waiting) -> None:
    held, asked = run_lock.take(lock(store), claim("bob"))
    assert waiting.pauses == [1, 2, 4, 8, 16]
    assert (held.generation, held.claim.user) == (1, "bob")
    # The lease counts from the request that succeeded.
    assert asked == waiting.seconds


def test_whoever_is_faster_meanwhile_has_it(store: ParameterStore, waiting: Waiting) -> None:
    def carol() -> None:
        if len(waiting.pauses) == 3:
            store.free.clear()
            lock(store).take(claim("carol"))

    waiting.meanwhile = carol
    with pytest.raises(LockedError, match="carol"):
        run_lock.take(lock(store), claim("bob"))
    assert waiting.pauses == [1, 2, 4]


def test_a_name_that_is_never_free_is_not_waited_for_forever(store: ParameterStore, waiting: Waiting) -> None:
    store.free["/locks/staging/1"] = BEGIN + timedelta(days=1)
    with pytest.raises(NotYetFreeError, match="run this again"):
        run_lock.take(lock(store), claim("bob"))
    assert sum(waiting.pauses) == 31
    assert store.parameters == {}


def test_two_who_write_at_once_wait_for_each_other() -> None:
    untyped: Any = boto3
    client = untyped.client("ssm", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    request = {"Name": "/locks/staging/1", "Value": ANY, "Type": "String", "Description": ANY}
    renewal = {"Name": "/locks/staging/1", "Value": ANY, "Type": "String", "Overwrite": True}
    dated = {"HTTPHeaders": {"date": format_datetime(BEGIN)}}
    with Stubber(client) as stub:
        for expected, version in (({**request, "Overwrite": False}, 1), (renewal, 2)):
            stub.add_client_error("put_parameter", "TooManyUpdates", expected_params=expected)
            stub.add_response("put_parameter", {"Version": version, "ResponseMetadata": dated}, expected)
        mine = Lock(Api(client, delay=0), "/locks/staging", "staging")
        assert mine.renew(mine.take(claim("alice"))).version == 2
        stub.assert_no_pending_responses()


def test_the_clock_of_the_machine_does_not_matter(store: ParameterStore) -> None:
    # The store lives four years from now, or ago: nobody compares it with this machine's clock.
    store.now = datetime(2022, 1, 1, tzinfo=UTC)
    lock(store).take(claim("alice"))
    with pytest.raises(LockedError):
        lock(store).take(claim("bob"))


def test_a_request_that_was_sent_twice_is_still_ours(store: ParameterStore) -> None:
    store.call("", "put_parameter", Name="/locks/staging/1", Value=claim("alice").written(), Overwrite=False)
    held = lock(store).take(claim("alice"))
    assert held.generation == 1
    store.call("", "put_parameter", Name="/locks/staging/1", Value=held.claim.written(), Overwrite=True)
    assert lock(store).renew(held).version == 3


def test_a_sleeper_loses_it_and_takes_nothing_from_whoever_has_it_now(store: ParameterStore) -> None:
    seconds = 0.0
    keeper = Keeper(lock(store), lock(store).take(claim("alice")), clock=lambda: seconds, renewed=0)
    seconds = LEASE + 30
    store.now += timedelta(seconds=seconds)
    held = lock(store).take(claim("bob"))
    with pytest.raises(LostError, match="slept"):
        keeper.beat()
    keeper.end()
    with pytest.raises(LockedError, match="bob"):
        lock(store).take(claim("carol"))
    assert lock(store).renew(held).version == 2


def test_a_renewal_of_what_is_gone_makes_nothing(store: ParameterStore) -> None:
    held = lock(store).take(claim("alice"))
    store.parameters.clear()
    with pytest.raises(LostError):
        lock(store).renew(held)
    assert store.parameters == {}


def test_three_renewals_may_fail(store: ParameterStore) -> None:
    seconds = 0.0
    keeper = Keeper(lock(store), lock(store).take(claim("alice")), clock=lambda: seconds, renewed=0)

    def unreachable() -> None:
        raise OSError("no route to host")

    store.before = unreachable
    for late in (30.0, 60.0, 89.0):
        seconds = late
        keeper.beat()
    seconds = 90.0
    with pytest.raises(LostError, match="could not be renewed"):
        keeper.beat()


class Turns:
    """Lets threads make their requests in an order that a seed decides."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311
        self.waiting: dict[threading.Thread, threading.Event] = {}
        self.came = threading.Condition()

    def wait(self) -> None:
        event = threading.Event()
        with self.came:
            self.waiting[threading.current_thread()] = event
            self.came.notify()
        assert event.wait(10)

    def play(self, threads: list[threading.Thread]) -> None:
        for thread in threads:
            thread.start()
        while True:
            with self.came:
                while len(self.waiting) < sum(thread.is_alive() for thread in threads):
                    self.came.wait(0.002)
                if not self.waiting:
                    return
                thread = self.chance.choice(sorted(self.waiting, key=lambda one: one.name))
                event = self.waiting.pop(thread)
            event.set()
            # The next choice is made when this one has made its request, and waits again or has ended.
            with self.came:
                while thread not in self.waiting and thread.is_alive():
                    self.came.wait(0.002)


@pytest.mark.parametrize("seed", range(150))
def test_never_two_at_once_in_whatever_order(seed: int) -> None:
    """A dead run has left its lock; five want it, hold it for a moment and let it go, or die with it."""
    store = ParameterStore()
    lock(store).take(claim("dead"))
    store.now += timedelta(seconds=LEASE + 1)
    turns = Turns(seed)
    store.before = turns.wait
    holding: set[str] = set()
    worst: list[set[str]] = []

    def run(name: str) -> None:
        try:
            held: Held = lock(store).take(claim(name))
        except (LockedError, Exception):
            return
        holding.add(name)
        worst.append(set(holding))
        turns.wait()
        holding.discard(name)
        lock(store).release(held)

    turns.play([threading.Thread(target=run, args=(f"run-{number}",), name=str(number)) for number in range(5)])
    assert worst
    assert max(len(at_once) for at_once in worst) == 1
    store.before = lambda: None
    # And what is left keeps nobody out for longer than a lease.
    store.now += timedelta(seconds=LEASE + 1)
    lock(store).take(claim("next"))
