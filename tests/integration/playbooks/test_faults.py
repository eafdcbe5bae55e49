"""Whatever happens to a run, the next one ends what it began: nothing twice, nothing left over, nothing lost.

Each fault is done to a run on an empty account. Then a run without the fault has to end well, the account has to hold
what an undisturbed one holds, counted through the API and not by our own listing, what was kept in it has to be
unchanged, and one more run has nothing to do.

* *A kill* is a SIGKILL to the run's whole process group at the moment in which the account has done what it was asked
  and the answer is on its way: what is made and not yet known by a name is lost to the run. In one account the runs are
  killed one after the other, each a few writes further than the one before: a stack that was never whole is finished in
  the end, whoever died how often. Killed once from nothing, at other points, a run proves that the next one finds all
  that was there.
* *Every n-th request* is refused, cut off, answered with nothing, by half or late, whichever request that is; retries
  count too.
* *A refusal* that only a person can mend ends the run with the remedy as its last words; *a signal* ends it soon.
* *A removal* takes away by hand, in the middle of the run, what an earlier task has made.

The whole table takes long: `make faults`. Without SLIPWAY_FAULTS, which says how many kills follow one another, a part
of it is told.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.provisioning import census

from . import faults
from .account import Account, Ran, emulated_account, end

PROVISION = "playbooks/provision.yml"
NAME = "slipway-rehearsal"
BUCKET = f"{NAME}-123456789012-releases"
KILLS = int(os.environ.get("SLIPWAY_FAULTS", "0"))
#: Ends soon, so that whoever cannot give its lock back holds nobody up for long.
VARIABLES = {"preflight_lock_seconds": 20}
#: What makes something that AWS knows by an id alone, or that is made whole by more than one call.
DELICATE = ("kms:CreateKey", "ec2:CreateInternetGateway", "route53:CreateHealthCheck")

whole = pytest.mark.skipif(KILLS < 1, reason="takes long: make faults")


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    fault: str
    point: str
    first: str
    again: str


@dataclass
class Table:
    """What was done, and what came of it."""

    rows: list[Row] = field(default_factory=list)

    def __str__(self) -> str:
        titles = Row("fault", "point", "that run", "the next one")
        lines = [[row.fault, row.point, row.first, row.again] for row in (titles, *self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(4)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
        )


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    table = Table()
    yield table
    reporter: Any = request.config.pluginmanager.get_plugin("terminalreporter")
    reporter.write_line("")
    reporter.write_line(str(table))


@contextmanager
def empty_account(directory: Path) -> Iterator[tuple[Account, faults.Wire]]:
    wire = faults.Wire()
    with emulated_account(directory, wire.around) as account:
        yield account, wire


def provision(account: Account) -> Ran:
    return account.run(PROVISION, variables=VARIABLES)


def everything(account: Account) -> census.Census:
    """What the account holds, by kind and name: the same for the same stack, whatever names AWS chooses."""
    found = census.take(account.emulator.endpoint)
    checks = account.client("route53").list_health_checks()["HealthChecks"]
    found["health check"] = Counter(one["HealthCheckConfig"]["FullyQualifiedDomainName"] for one in checks)
    profiles = account.client("iam").list_instance_profiles()["InstanceProfiles"]
    found["role of a profile"] = Counter(
        f"{one['InstanceProfileName']} {role['RoleName']}" for one in profiles for role in one["Roles"]
    )
    found["queue"] = Counter(account.client("sqs").list_queues().get("QueueUrls", []))
    for region in ("eu-west-1", "us-east-1"):
        deliveries = account.client("logs", region).describe_deliveries()["deliveries"]
        found[f"log delivery {region}"] = Counter(one["deliverySourceName"] for one in deliveries)
    return found


def kept(account: Account) -> dict[str, str]:
    """What nobody could bring back: the secrets' values, and the contents of the bucket of releases."""
    secrets = account.client("secretsmanager")
    found = {
        one["Name"]: secrets.get_secret_value(SecretId=one["Name"])["SecretString"]
        for one in secrets.list_secrets()["SecretList"]
    }
    s3 = account.client("s3")
    if any(one["Name"] == BUCKET for one in s3.list_buckets()["Buckets"]):
        for one in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            if not one["Key"].startswith("stack/"):
                found[one["Key"]] = s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read().decode()
    return found


def put_something(account: Account) -> None:
    """As a release does, as soon as there is a place for it."""
    s3 = account.client("s3")
    if any(one["Name"] == BUCKET for one in s3.list_buckets()["Buckets"]):
        s3.put_object(Bucket=BUCKET, Key="releases/1/manifest.json", Body=b'{"kept": true}')


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> census.Census:
    """What a run makes to which nothing happens."""
    with empty_account(tmp_path_factory.mktemp("undisturbed")) as (account, _wire):
        made = provision(account)
        assert made.status == 0, made.output[-4000:]
        return everything(account)


def recovered(account: Account, undisturbed: census.Census) -> str:
    """Run once more and hold the account against the undisturbed one. Answers what the table says of it."""
    put_something(account)
    before = kept(account)
    again = provision(account)
    assert again.status == 0, again.output[-6000:]
    assert census.differences(undisturbed, everything(account)) == []
    assert before.items() <= kept(account).items()
    idle = provision(account)
    assert idle.status == 0, idle.output[-4000:]
    assert (idle.changed, idle.changed_tasks) == (0, [])
    return f"well, {again.changed} changed; then 0"


def await_the_lock(account: Account) -> None:
    """The keeper gives the lock back, and modules that were still running are ended with the run."""
    ssm = account.client("ssm")
    deadline = time.monotonic() + 60
    while ssm.get_parameters_by_path(Path="/slipway-run-lock", Recursive=True)["Parameters"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def killed(account: Account, wire: faults.Wire, at: int | str) -> str:
    """Run until the account has done the write. Answers which one it was; empty when the run ended before it."""
    kill = faults.Kill(at)
    kill.running = account.start(PROVISION, variables=VARIABLES)
    wire.follow(kill)
    ran = end(kill.running)
    await_the_lock(account)
    time.sleep(1)
    kill.sweep()
    wire.heal()
    assert (ran.status == -signal.SIGKILL) == bool(kill.last), ran.output[-4000:]
    return kill.last


def test_killed_where_it_hurts(table: Table, undisturbed: census.Census, tmp_path: Path) -> None:
    with empty_account(tmp_path) as (account, wire):
        points = [killed(account, wire, operation) for operation in DELICATE]
        assert all(points)
        outcome = recovered(account, undisturbed)
        table.rows += [Row("kill, one after the other", point, "killed", outcome) for point in points]


@whole
def test_killed_again_and_again(table: Table, undisturbed: census.Census, tmp_path: Path) -> None:
    with empty_account(tmp_path) as (account, wire):
        points = []
        # About 215 writes make the stack.
        for _ in range(KILLS):
            point = killed(account, wire, max(1, 215 // KILLS))
            if not point:
                break
            points.append(point)
        assert len(points) >= KILLS * 0.8
        outcome = recovered(account, undisturbed)
        table.rows += [
            Row("kill, one after the other", f"run {number}, write {point}", "killed", outcome)
            for number, point in enumerate(points, 1)
        ]


@whole
@pytest.mark.parametrize("write", [11, 67, 120, 171, 208])
def test_killed_once(table: Table, undisturbed: census.Census, tmp_path: Path, write: int) -> None:
    with empty_account(tmp_path) as (account, wire):
        point = killed(account, wire, write)
        assert point
        table.rows.append(Row("kill, once", f"write {point}", "killed", recovered(account, undisturbed)))


#: What retries have to get a run over, whichever request it is done to.
PASSING = {
    "throttled": faults.throttle,
    "500": faults.fail_inside,
    "503": faults.be_unavailable,
    "connection reset": faults.reset,
    "answer in drops, 3 s": faults.trickle(3),
}
#: What boto3 cannot read, and then does not ask again. Nobody can know whether it was done; the run may end with an
#: error, and what it asks for twice is made twice.
DECEIVING = {
    "429 without a body": faults.refuse_in_silence,
    "answer lost": faults.lose_the_answer,
    "answer cut short": faults.cut_short,
    "200 with an empty body": faults.answer_nothing,
}


@whole
@pytest.mark.parametrize(
    ("number", "named", "survived"),
    [(5, PASSING, True), (100, {"stalled for 30 s": faults.stall(30)}, True), (11, DECEIVING, False)],
    ids=["passing", "stalled", "deceiving"],
)
def test_every_nth_request(
    table: Table,
    undisturbed: census.Census,
    tmp_path: Path,
    number: int,
    named: Mapping[str, faults.Fault],
    survived: bool,
) -> None:
    """The faults take turns, so that one run meets all of them."""
    with empty_account(tmp_path) as (account, wire):
        plan = faults.Every(number, named)
        wire.follow(plan)
        runs = [provision(account)]
        # Who is deceived may end at once: it is done to the next run as well, until each fault has been met.
        while not survived and len(runs) < 12 and any(plan.done[name] < 5 for name in named):
            runs.append(provision(account))
        wire.heal()
        assert all(plan.done[name] >= 5 for name in named), plan.done
        assert runs[0].status == 0 or not survived, runs[0].output[-6000:]
        failed = sum(run.status != 0 for run in runs)
        ended = f"{failed} of {len(runs)} runs with an error" if failed else "well"
        outcome = recovered(account, undisturbed)
        told = f"every {number}th request"
        table.rows += [Row(name, f"{told}, {times} times", ended, outcome) for name, times in plan.done.items()]


@whole
def test_an_account_that_is_away_for_a_while(table: Table, undisturbed: census.Census, tmp_path: Path) -> None:
    with empty_account(tmp_path) as (account, wire):
        wire.follow(faults.for_a_while(60, 15, faults.reset))
        # With a lease that lasts longer than that: whoever cannot renew it stops.
        first = account.run(PROVISION)
        wire.heal()
        assert wire.done > 5
        assert first.status == 0, first.output[-6000:]
        told = f"15 s from write 60 on, {wire.done} times"
        table.rows.append(Row("no connection", told, "well", recovered(account, undisturbed)))


@whole
def test_what_was_just_made_is_not_everywhere_yet(table: Table, undisturbed: census.Census, tmp_path: Path) -> None:
    with empty_account(tmp_path) as (account, wire):
        wire.follow(faults.Hesitation(2))
        first = provision(account)
        wire.heal()
        assert wire.done > 20
        ended = "well" if first.status == 0 else "with an error"
        outcome = recovered(account, undisturbed)
        table.rows.append(Row("not known for 2 s", "whatever EC2 has made", ended, outcome))


@dataclass(frozen=True)
class Refusal:
    """What only a person can mend: the run ends, and its last words are these."""

    name: str
    told: str
    plan: Callable[[], faults.Plan]
    words: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


#: In the order in which a run gets to them: what is made before one of them stands in nobody's way.
REFUSALS = (
    Refusal(
        "access denied",
        "secretsmanager:CreateSecret",
        partial(faults.each, "secretsmanager:CreateSecret", faults.deny),
        ("[not-allowed] These credentials may not do secretsmanager:CreateSecret.",),
    ),
    Refusal(
        "no room",
        "rds:CreateDBInstance",
        partial(faults.each, "rds:CreateDBInstance", faults.have_no_more("InsufficientDBInstanceCapacity")),
        ("[capacity]", "CreateDBInstance (InsufficientDBInstanceCapacity)"),
    ),
    Refusal(
        "quota used up",
        "ec2:CreateNatGateway",
        partial(faults.each, "ec2:CreateNatGateway", faults.have_no_more("NatGatewayLimitExceeded")),
        ("[quota]", "CreateNatGateway (NatGatewayLimitExceeded)"),
    ),
    Refusal(
        "access denied",
        "elbv2:CreateListener",
        partial(faults.each, "elbv2:CreateListener", faults.deny),
        ("[not-allowed] These credentials may not do elasticloadbalancing:CreateListener.", "make deployer-policy"),
    ),
    Refusal(
        "expired credentials",
        "from write 5 on",
        partial(faults.from_write, 5, faults.expire),
        ("[credentials-expired]", "Log in again"),
    ),
    Refusal(
        "clock an hour late",
        "from write 5 on",
        partial(faults.from_write, 5, faults.be_too_late),
        ("[clock]", "timedatectl"),
    ),
)


@whole
def test_what_a_person_has_to_mend(table: Table, undisturbed: census.Census, tmp_path: Path) -> None:
    """One after the other in one account, each a part further."""
    with empty_account(tmp_path) as (account, wire):
        for refusal in REFUSALS:
            wire.follow(refusal.plan())
            refused = provision(account)
            assert refused.status != 0, refusal
            for words in refusal.words:
                assert words in refused.words, refused.words[-4000:]
        wire.heal()
        outcome = recovered(account, undisturbed)
        table.rows += [Row(one.name, one.told, "refused, with the remedy", outcome) for one in REFUSALS]


@contextmanager
def heard(number: signal.Signals) -> Iterator[None]:
    """What is started meanwhile hears the signal, though these tests may run behind `nohup`, which has it ignored."""
    before = signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(number, before)


@whole
def test_interrupted(table: Table, undisturbed: census.Census, tmp_path: Path) -> None:
    """Ctrl-C, a machine that shuts down, a terminal that is closed: the run ends, and soon."""
    with empty_account(tmp_path) as (account, wire):
        rows = []
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            interruption = faults.Interruption(50, number)
            with heard(number):
                interruption.running = account.start(PROVISION, variables=VARIABLES)
            wire.follow(interruption)
            ran = end(interruption.running)
            took = time.monotonic() - interruption.when
            wire.heal()
            assert interruption.last
            assert ran.status != 0
            assert took < 30
            await_the_lock(account)
            rows.append((number.name, f"write {interruption.last}", f"ended within {took:.0f} s"))
        outcome = recovered(account, undisturbed)
        table.rows += [Row(*row, outcome) for row in rows]


def _revoke_everything(account: Account) -> None:
    ec2 = account.client("ec2")
    named = [{"Name": "group-name", "Values": [f"{NAME}-web"]}]
    (group,) = ec2.describe_security_groups(Filters=named)["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])


def _take_the_role(account: Account) -> None:
    profile = {"InstanceProfileName": f"{NAME}-web", "RoleName": f"{NAME}-web"}
    account.client("iam").remove_role_from_instance_profile(**profile)


#: What is taken away, and what is asked for when it happens: a later wave, when the layer that made it is done.
REMOVALS: tuple[tuple[str, str, Callable[[Account], Any]], ...] = (
    (
        "policy of a bucket",
        "elbv2:CreateLoadBalancer",
        lambda account: account.client("s3").delete_bucket_policy(Bucket=BUCKET),
    ),
    (
        "a log group",
        "elbv2:CreateListener",
        lambda account: account.client("logs").delete_log_group(logGroupName=f"/{NAME}/nginx"),
    ),
    ("role of a profile", "wafv2:AssociateWebACL", _take_the_role),
    ("rules of a security group", "cloudwatch:PutDashboard", _revoke_everything),
)


def test_removed_between_two_tasks(table: Table, undisturbed: census.Census, tmp_path: Path) -> None:
    with empty_account(tmp_path) as (account, wire):
        plans = [faults.before(operation, partial(deed, account)) for _, operation, deed in REMOVALS]

        def any_of_them(request: Any) -> faults.Fault | None:
            return next((fault for plan in plans if (fault := plan(request)) is not None), None)

        wire.follow(any_of_them)
        first = provision(account)
        wire.heal()
        assert wire.done == len(REMOVALS)
        ended = "well" if first.status == 0 else "with an error"
        outcome = recovered(account, undisturbed)
        table.rows += [Row(f"removed: {what}", f"before {when}", ended, outcome) for what, when, _ in REMOVALS]
