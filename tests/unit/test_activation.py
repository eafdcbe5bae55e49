"""slipway-activate: what it parses and writes, what it asks AWS for, and the order in which a host changes over."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

PROGRAM = Path(__file__).parents[2] / "roles" / "activation" / "files" / "slipway_activate.py"


def load() -> ModuleType:
    specification = importlib.util.spec_from_file_location("slipway_activate", PROGRAM)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


activate = load()

SETTINGS: dict[str, Any] = {
    "directory": "/srv/application",
    "user": "application",
    "run_directory": "/run/slipway",
    "pointer": "/{name}/release/current",
    "environment_path": "/{name}/application",
    "secrets_path": "/{name}/application-secrets",
    "releases_bucket": "{name}-releases",
    "keep": 2,
    "socket_unit": "gunicorn.socket",
    "service_unit": "gunicorn.service",
    "bridge_unit": "gunicorn-bridge.service",
    "worker_unit": "",
    "timer_unit": "slipway-activate.timer",
    "socket": "/run/gunicorn/gunicorn.sock",
    "health_path": "/healthz",
    "health_seconds": 1,
    "retry_minutes": 60,
    "group": "{name}-web",
    "launch_hook": "{name}-launch",
    "terminate_hook": "{name}-terminate",
    "activate_unit": "slipway-activate.service",
    "drain_seconds": 40,
    "leaving_units": ["log-shipper.service"],
}


# -- the environment file ----------------------------------------------------------------------------------------------


def as_systemd_reads(text: str) -> dict[str, str]:
    """The double-quoted part of parse_env_file in systemd's src/basic/env-file.c, rule by rule."""
    found: dict[str, str] = {}
    rest = text
    while rest:
        name, rest = rest.split("=", 1)
        assert rest[0] == '"'
        value, position = "", 1
        while rest[position] != '"':
            if rest[position] == "\\" and rest[position + 1] in '"\\`$':
                position += 1
            value += rest[position]
            position += 1
        assert rest[position + 1] == "\n"
        found[name], rest = value, rest[position + 2 :]
    return found


@pytest.mark.parametrize(
    "value",
    [
        "plain",
        "",
        "two words",
        "a\nDJANGO_DEBUG=True",
        'quote " inside',
        'ends with "\nEVIL="1',
        "back\\slash and \\n",
        "trailing backslash \\",
        "$HOME ${HOME} `id`",
        "single ' quote # no comment",
        "tab\tand é and 漢",
    ],
)
def test_a_value_arrives_as_it_is_and_adds_no_variable(value: str) -> None:
    variables = {"FIRST": "1", "SECRET": value, "ZULU": "2"}

    assert as_systemd_reads(activate.render_environment_file(variables)) == variables


@pytest.mark.parametrize("name", ["lower", "A B", "A=B", "A\nB", "1A", "", "Ä"])
def test_what_is_no_name_of_a_variable_is_refused(name: str) -> None:
    with pytest.raises(activate.HostNotSetUpError, match="not the name"):
        activate.render_environment_file({name: "x"})


@pytest.mark.parametrize("character", ["\0", "\a", "\r", "\x1b", "\x7f"])
def test_a_value_that_systemd_would_drop_is_refused_without_being_told(character: str) -> None:
    with pytest.raises(activate.HostNotSetUpError) as refusal:
        activate.render_environment_file({"SECRET": f"hunter2{character}"})

    assert "SECRET" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


# -- what is parsed ----------------------------------------------------------------------------------------------------


def test_a_setting_too_many_or_too_few_is_named() -> None:
    wrong = {**SETTINGS, "kepp": 3}
    del wrong["keep"]

    with pytest.raises(activate.HostNotSetUpError, match="keep, kepp"):
        activate.parse_settings(wrong)


ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:slipway-staging/database-AbCdEf"


def test_a_reference_names_a_key_of_a_secret() -> None:
    assert activate.parse_secret_reference("X", f"{ARN}:password::") == activate.SecretReference(
        ARN, "password", "", ""
    )
    assert activate.parse_secret_reference("X", f"{ARN}:password:AWSPREVIOUS:").stage == "AWSPREVIOUS"


@pytest.mark.parametrize("text", [ARN, f"{ARN}:::", f"{ARN}:password", "slipway-staging/database:password::", ""])
def test_what_names_no_key_of_a_secret_is_refused_with_the_variable(text: str) -> None:
    with pytest.raises(activate.HostNotSetUpError, match="DATABASE_PASSWORD"):
        activate.parse_secret_reference("DATABASE_PASSWORD", text)


def manifest(release: str, archive: bytes, **changes: Any) -> str:
    backend = {
        "key": f"releases/{release}/backend.tar.gz",
        "sha256": hashlib.sha256(archive).hexdigest(),
        "bytes": len(archive),
        **changes,
    }
    return json.dumps({"id": release, "backend": backend})


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"id": "one", "backend": null}', manifest("one", b"", sha256="00"), manifest("two", b"")]
)
def test_a_manifest_that_is_not_this_releases_is_refused(text: str) -> None:
    with pytest.raises(activate.ReleaseDamagedError):
        activate.parse_manifest("one", text)


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".hidden", "a b", "x" * 65])
def test_an_id_cannot_leave_the_directory_of_releases(name: str) -> None:
    with pytest.raises(activate.ReleaseDamagedError):
        activate.check_release_id(name)


def test_the_oldest_releases_go_but_never_a_protected_one() -> None:
    assert activate.releases_to_remove(["d", "c", "b", "a"], 2, frozenset({"a"})) == ["b"]
    assert activate.releases_to_remove(["b", "a"], 5, frozenset()) == []


def test_only_boto3s_plain_variables_are_taken_from_the_service_manager() -> None:
    text = "LANG=C\nAWS_REGION=eu-west-1\nAWS_ENDPOINT_URL=http://10.0.0.1:4566\nAWS_X=$'a\\nb'\n"

    assert activate.parse_manager_environment(text) == {
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": "http://10.0.0.1:4566",
    }


@pytest.mark.parametrize("arguments", [["--manage", "one"], ["migrate"], ["--release", "a", "--fetch-only", "b"]])
def test_a_command_line_that_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        activate.main(arguments)

    assert ended.value.code == 2


# -- what AWS is asked -------------------------------------------------------------------------------------------------


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, buckets_by_path: None) -> Iterator[None]:  # noqa: ARG001
    for name, value in {
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield


def account(**changes: Any) -> Any:
    return activate.Account(activate.parse_settings({**SETTINGS, **changes}), "slipway-staging")


def put_parameters(**values: str) -> None:
    ssm = boto3.client("ssm", region_name="eu-west-1")
    for name, value in values.items():
        ssm.put_parameter(Name=f"/slipway-staging/{name.replace('__', '/')}", Value=value, Type="String")


def put_secret(document: str) -> str:
    secrets = boto3.client("secretsmanager", region_name="eu-west-1")
    return secrets.create_secret(Name="slipway-staging/database", SecretString=document)["ARN"]


@pytest.mark.usefixtures("aws")
def test_before_the_first_release_there_is_no_pointer() -> None:
    assert account().pointer() is None
    put_parameters(release__current="one\n")
    assert account().pointer() == "one"


@pytest.mark.usefixtures("aws")
def test_the_environment_is_the_parameters_and_the_keys_of_secrets() -> None:
    arn = put_secret('{"username": "application", "password": "p\\"w", "port": 5432}')
    put_parameters(
        **{
            "application__DATABASE_HOST": "db.example.com",
            "application__nested/IGNORED": "x",
            "application-secrets__DATABASE_PASSWORD": f"{arn}:password::",
            "application-secrets__DATABASE_PORT": f"{arn}:port::",
        }
    )

    assert account().environment() == {
        "DATABASE_HOST": "db.example.com",
        "DATABASE_PASSWORD": 'p"w',
        "DATABASE_PORT": "5432",
    }


@pytest.mark.usefixtures("aws")
def test_more_than_ten_variables_are_all_read() -> None:
    # GetParametersByPath answers ten at a time: https://docs.aws.amazon.com/systems-manager/latest/APIReference/
    put_parameters(**{f"application__V{number}": "x" for number in range(23)})

    assert len(account().environment()) == 23


@pytest.mark.usefixtures("aws")
def test_a_variable_has_one_owner() -> None:
    arn = put_secret('{"password": "x"}')
    put_parameters(**{"application__TWICE": "x", "application-secrets__TWICE": f"{arn}:password::"})

    with pytest.raises(activate.HostNotSetUpError, match="TWICE"):
        account().environment()


@pytest.mark.usefixtures("aws")
def test_the_id_of_the_release_is_nobody_elses_to_set() -> None:
    put_parameters(application__RELEASE_ID="mine")

    with pytest.raises(activate.HostNotSetUpError, match="RELEASE_ID"):
        account().environment()


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("document", ['{"other": "hunter2"}', '{"password": null}', '["hunter2"]', "hunter2"])
def test_a_secret_without_the_key_is_named_and_not_told(document: str) -> None:
    arn = put_secret(document)
    put_parameters(**{"application-secrets__DATABASE_PASSWORD": f"{arn}:password::"})

    with pytest.raises(activate.HostNotSetUpError) as refusal:
        account().environment()

    assert "password" in str(refusal.value).lower() or arn in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.usefixtures("aws")
def test_a_refusal_of_aws_is_one_sentence() -> None:
    put_parameters(**{"application-secrets__X": f"{ARN}:password::"})

    with pytest.raises(activate.AwsError, match=r"^Failed to read the secret arn:aws:"):
        account().environment()


def test_without_a_metadata_service_the_reason_and_the_remedy_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(activate.time, "sleep", lambda _seconds: None)

    with pytest.raises(activate.AwsError, match="set AWS_REGION"):
        activate.identity_document()


# -- what is unpacked --------------------------------------------------------------------------------------------------


def packed(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def upload(release: str, archive: bytes, **changes: Any) -> None:
    s3 = boto3.client("s3", region_name="eu-west-1")
    s3.create_bucket(Bucket="slipway-staging-releases", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="slipway-staging-releases", Key=f"releases/{release}/backend.tar.gz", Body=archive)
    s3.put_object(
        Bucket="slipway-staging-releases",
        Key=f"releases/{release}/manifest.json",
        Body=manifest(release, archive, **changes).encode(),
    )


def host(directory: Path, **changes: Any) -> Any:
    places = {"directory": str(directory / "srv"), "run_directory": str(directory / "run")}
    settings = activate.parse_settings({**SETTINGS, **places, **changes})
    return activate.Host(settings, activate.Account(settings, "slipway-staging"))


@pytest.mark.usefixtures("aws")
def test_a_release_is_fetched_once(tmp_path: Path) -> None:
    upload("one", packed({"app/manage.py": "print()"}))

    assert host(tmp_path).fetch("one") is True
    assert host(tmp_path).fetch("one") is False
    assert (tmp_path / "srv/releases/one/app/manage.py").read_text() == "print()"


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("wrong", [{"sha256": "0" * 64}, {"bytes": 1}])
def test_an_archive_that_is_not_the_one_that_was_built_leaves_nothing(tmp_path: Path, wrong: dict[str, Any]) -> None:
    upload("one", packed({"app/manage.py": "print()"}), **wrong)

    with pytest.raises(activate.ReleaseDamagedError, match="is not the one that was built"):
        host(tmp_path).fetch("one")

    assert list((tmp_path / "srv/releases").iterdir()) == []


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "app/../../outside"])
def test_an_archive_cannot_write_beside_its_directory(tmp_path: Path, name: str) -> None:
    upload("one", packed({name: "x"}))

    if name.startswith("/"):
        # The leading slash is taken off, as tarfile's data filter documents.
        host(tmp_path).fetch("one")
        assert (tmp_path / "srv/releases/one/etc/outside").exists()
    else:
        with pytest.raises(activate.ReleaseDamagedError, match="cannot be unpacked"):
            host(tmp_path).fetch("one")
    assert not list(tmp_path.rglob("releases/outside"))
    assert not (tmp_path / "srv/outside").exists()


# -- the order of things -----------------------------------------------------------------------------------------------


@dataclass
class Units:
    """systemd as the program sees it: what it was told, in order, and which units cannot start."""

    directory: Path
    told: list[str] = field(default_factory=list)
    active: set[str] = field(default_factory=set)
    broken: set[tuple[str, str]] = field(default_factory=set)
    sick: set[str] = field(default_factory=set)
    #: What starts and ends at once.
    dying: set[tuple[str, str]] = field(default_factory=set)

    def release_of(self, unit: str) -> str:
        link = "next" if "bridge" in unit else "current"
        return (self.directory / "srv" / link).readlink().name

    def systemctl(self, *words: str) -> str:
        verb, *units = words
        for unit in units:
            self.told.append(f"{verb} {unit}")
            if verb in ("restart", "start"):
                if unit.endswith(".service") and (unit, self.release_of(unit)) in self.broken:
                    self.active.discard(unit)
                    raise activate.ReleaseDoesNotRunError(f"systemctl {verb} {unit} failed: no")
                self.active.add(unit)
            elif verb == "stop":
                self.active.discard(unit)
        return ""

    def state(self, unit: str) -> str:
        if unit in self.active and (unit, self.release_of(unit)) in self.dying:
            return "activating"
        return "active" if unit in self.active else "inactive"

    def probe(self, *_where_and_how_long: object) -> None:
        release = self.release_of("gunicorn.service")
        self.told.append(f"probe {release}")
        if release in self.sick:
            raise activate.ReleaseDoesNotRunError("did not answer 200")


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Units:
    request.getfixturevalue("aws")
    put_parameters(application__MOTTO="hello")
    for release in ("one", "two"):
        (tmp_path / "srv" / "releases" / release).mkdir(parents=True)
    (tmp_path / "run").mkdir()
    told = Units(tmp_path)
    monkeypatch.setattr(activate, "systemctl", told.systemctl)
    monkeypatch.setattr(activate, "unit_state", told.state)
    monkeypatch.setattr(activate, "probe", told.probe)
    monkeypatch.setattr(activate, "WORK_SECONDS", 0)
    monkeypatch.setattr(activate.subprocess, "run", lambda *_words, **_options: None)
    return told


def current(directory: Path) -> str | None:
    found: str | None = activate.linked_release(directory / "srv/current")
    return found


def leftovers(directory: Path) -> list[str]:
    places = [directory / "srv/next", directory / "run/next.env"]
    return [str(place) for place in places if place.is_symlink() or place.exists()]


def test_the_first_release_is_started_without_a_bridge(units: Units, tmp_path: Path) -> None:
    assert host(tmp_path).activate("one") is True

    assert units.told == ["start gunicorn.socket", "restart gunicorn.service", "probe one"]
    assert current(tmp_path) == "one"
    assert (tmp_path / "run/application.env").read_text() == 'MOTTO="hello"\nRELEASE_ID="one"\n'
    assert (tmp_path / "run/application.env").stat().st_mode & 0o777 == 0o600


def test_the_same_release_again_touches_nothing(units: Units, tmp_path: Path) -> None:
    host(tmp_path).activate("one")
    units.told.clear()

    assert host(tmp_path).activate("one") is False
    assert units.told == []


@pytest.mark.usefixtures("units")
def test_a_changed_variable_is_a_change(tmp_path: Path) -> None:
    host(tmp_path).activate("one")
    put_parameters(application__OTHER="new")

    assert host(tmp_path).activate("one") is True
    assert 'OTHER="new"' in (tmp_path / "run/application.env").read_text()


def test_the_bridge_answers_before_the_service_stops_and_until_the_new_one_is_well(
    units: Units, tmp_path: Path
) -> None:
    host(tmp_path).activate("one")
    units.told.clear()

    host(tmp_path).activate("two")

    assert units.told == [
        "restart gunicorn-bridge.service",
        "start gunicorn.socket",
        "restart gunicorn.service",
        "probe two",
        "stop gunicorn-bridge.service",
    ]
    assert current(tmp_path) == "two"
    assert leftovers(tmp_path) == []


def test_a_release_that_the_bridge_cannot_start_never_reaches_the_service(units: Units, tmp_path: Path) -> None:
    host(tmp_path).activate("one")
    before = (tmp_path / "run/application.env").read_text()
    units.told.clear()
    units.broken.add(("gunicorn-bridge.service", "two"))

    with pytest.raises(activate.ReleaseDoesNotRunError, match="two does not start"):
        host(tmp_path).activate("two")

    assert "restart gunicorn.service" not in units.told
    assert current(tmp_path) == "one"
    assert (tmp_path / "run/application.env").read_text() == before
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("way", ["does not start", "is not well"])
def test_a_release_that_fails_brings_the_one_before_back(units: Units, tmp_path: Path, way: str) -> None:
    host(tmp_path).activate("one")
    before = (tmp_path / "run/application.env").read_text()
    if way == "is not well":
        units.sick.add("two")
    else:
        units.broken.add(("gunicorn.service", "two"))

    with pytest.raises(activate.ReleaseDoesNotRunError):
        host(tmp_path).activate("two")

    assert current(tmp_path) == "one"
    assert (tmp_path / "run/application.env").read_text() == before
    assert units.told[-2:] == ["probe one", "stop gunicorn-bridge.service"]
    assert leftovers(tmp_path) == []


def test_a_first_release_that_fails_leaves_no_release(units: Units, tmp_path: Path) -> None:
    units.sick.add("one")

    with pytest.raises(activate.ReleaseDoesNotRunError):
        host(tmp_path).activate("one")

    assert current(tmp_path) is None
    assert not (tmp_path / "run/application.env").exists()
    assert units.active == set()


def with_work(directory: Path) -> Any:
    return host(directory, worker_unit="slipway-worker.service")


def test_background_work_follows_once_the_release_answers(units: Units, tmp_path: Path) -> None:
    with_work(tmp_path).activate("one")
    assert units.told[-2:] == ["probe one", "restart slipway-worker.service"]
    units.told.clear()

    assert with_work(tmp_path).activate("one") is False
    assert units.told == []

    with_work(tmp_path).activate("two")
    assert units.told[-3:] == ["probe two", "restart slipway-worker.service", "stop gunicorn-bridge.service"]


def test_background_work_that_is_missing_is_started_alone(units: Units, tmp_path: Path) -> None:
    with_work(tmp_path).activate("one")
    units.active.discard("slipway-worker.service")
    units.told.clear()
    stands = with_work(tmp_path).status("one")
    assert (stands["worker"], stands["in_step"]) == ("inactive", False)

    assert with_work(tmp_path).activate("one") is True
    assert units.told == ["restart slipway-worker.service"]
    assert with_work(tmp_path).status("one")["in_step"] is True


@pytest.mark.parametrize("way", ["broken", "dying"])
def test_a_release_whose_background_work_fails_brings_the_one_before_back(
    units: Units, tmp_path: Path, way: str
) -> None:
    with_work(tmp_path).activate("one")
    getattr(units, way).add(("slipway-worker.service", "two"))

    with pytest.raises(activate.ReleaseDoesNotRunError, match="two does"):
        with_work(tmp_path).activate("two")

    assert current(tmp_path) == "one"
    assert units.told[-3:] == ["probe one", "restart slipway-worker.service", "stop gunicorn-bridge.service"]


@pytest.mark.usefixtures("units")
def test_the_release_that_served_last_outlives_one_that_was_only_fetched(tmp_path: Path) -> None:
    host(tmp_path).activate("one")
    (tmp_path / "srv/releases/fetched").mkdir()
    host(tmp_path).activate("two")

    assert host(tmp_path).prune() == ["fetched"]
    assert sorted(path.name for path in (tmp_path / "srv/releases").iterdir()) == ["one", "two"]


# -- within an Auto Scaling group --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "may"),
    [
        ("Result=success\nExecMainExitTimestampMonotonic=0\n", False),
        ("Result=success\nExecMainExitTimestampMonotonic=81723\n", True),
        ("Result=exit-code\nExecMainExitTimestampMonotonic=81723\n", False),
        ("", False),
    ],
)
def test_a_host_may_serve_once_an_activation_came_to_a_good_end(shown: str, may: bool) -> None:
    assert activate.may_serve(shown) is may


@dataclass
class Group:
    """An Auto Scaling group as a host sees it: where it sends the host, and whether it waits for a hook."""

    target: str | None = "InService"
    activated: bool = False
    waits_for: set[str] = field(default_factory=set)
    refuses: bool = False
    now: float = 1000.0
    #: What happens while the host sleeps.
    meanwhile: Any = None
    told: list[str] = field(default_factory=list)

    def complete(self, hook: str) -> bool:
        if self.refuses:
            raise activate.AwsError("Failed to complete the lifecycle action of slipway-staging-web: no.")
        self.told.append(f"complete {hook}" if hook in self.waits_for else f"ask {hook}")
        waited = hook in self.waits_for
        self.waits_for.discard(hook)
        return waited

    def sleep(self, seconds: float) -> None:
        self.told.append(f"sleep {seconds:g}")
        self.now += seconds
        if self.meanwhile is not None:
            self.meanwhile()

    def stop(self, *words: str) -> str:
        self.told.append(" ".join(words))
        self.now += 12
        if words[-1] == "broken.service":
            raise activate.ReleaseDoesNotRunError("systemctl stop broken.service failed: no")
        return ""


@pytest.fixture
def group(monkeypatch: pytest.MonkeyPatch) -> Group:
    made = Group()
    monkeypatch.setattr(activate, "target_state", lambda: made.target)
    monkeypatch.setattr(
        activate,
        "_show",
        lambda *_words: f"Result=success\nExecMainExitTimestampMonotonic={81723 if made.activated else 0}",
    )
    monkeypatch.setattr(activate, "systemctl", made.stop)
    monkeypatch.setattr(activate.time, "monotonic", lambda: made.now)
    monkeypatch.setattr(activate.time, "sleep", made.sleep)
    return made


def attendant(group: Group, **changes: Any) -> Any:
    return activate.Attendant(activate.parse_settings({**SETTINGS, **changes}), group)


def test_a_host_enters_service_once_its_release_answers(group: Group) -> None:
    host = attendant(group)
    group.waits_for = {"{name}-launch"}
    assert host.step() is True
    assert group.told == []
    group.activated = True
    assert [host.step(), host.step()] == [False, False]
    assert group.told == ["complete {name}-launch"]


def test_a_group_that_notices_late_is_asked_again_but_not_for_ever(group: Group) -> None:
    host = attendant(group)
    group.activated = True
    host.step()
    group.now += 5
    group.waits_for = {"{name}-launch"}
    host.step()
    assert group.told == ["ask {name}-launch", "complete {name}-launch"]

    group.told.clear()
    again = attendant(group)
    for _ in range(100):
        again.step()
        group.now += 5
    assert len(group.told) == activate.READY_SECONDS / 5 + 1


def test_a_host_of_a_warm_pool_is_told_of_twice(group: Group) -> None:
    host = attendant(group)
    group.activated, group.target, group.waits_for = True, "Warmed:Running", {"{name}-launch"}
    host.step()
    host.step()
    group.target, group.waits_for = "InService", {"{name}-launch"}
    host.step()
    assert group.told == ["complete {name}-launch"] * 2


def test_a_leaving_host_ends_its_work_drains_and_ships_its_logs(group: Group) -> None:
    host = attendant(group, worker_unit="slipway-worker.service")
    group.target, group.waits_for = "Terminated", {"{name}-terminate"}
    host.step()
    assert group.told == [
        "stop slipway-worker.service",
        "sleep 28",
        "stop log-shipper.service",
        "complete {name}-terminate",
    ]
    host.step()
    assert len(group.told) == 4


def test_a_leaving_host_asks_until_the_group_has_drained(group: Group) -> None:
    host = attendant(group, leaving_units=[])

    def drained() -> None:
        if group.now >= 1050:
            group.waits_for = {"{name}-terminate"}

    group.target, group.meanwhile = "Terminated", drained
    host.step()
    assert group.told == ["sleep 40", *["ask {name}-terminate", "sleep 5"] * 2, "complete {name}-terminate"]


def test_what_cannot_be_stopped_is_in_nobodys_way(group: Group, capsys: pytest.CaptureFixture[str]) -> None:
    host = attendant(group, worker_unit="broken.service")
    group.target, group.waits_for = "Terminated", {"{name}-terminate"}
    host.step()
    assert group.told[-1] == "complete {name}-terminate"
    assert "broken.service failed" in capsys.readouterr().out


def test_a_refusal_of_aws_is_said_once(group: Group, capsys: pytest.CaptureFixture[str]) -> None:
    host = attendant(group)
    group.activated = group.refuses = True
    host.step()
    host.step()
    assert capsys.readouterr().err.count("Failed to complete") == 1


@pytest.mark.parametrize("target", [None, "Standby", "Detached"])
def test_outside_of_a_group_nothing_happens(group: Group, target: str | None) -> None:
    group.activated, group.target = True, target
    attendant(group).step()
    assert group.told == []


@pytest.mark.parametrize(("code", "outcome"), [("ValidationError", False), ("AccessDenied", None), (None, True)])
def test_the_hook_is_completed_for_this_instance(
    monkeypatch: pytest.MonkeyPatch, code: str | None, outcome: bool | None
) -> None:
    client = boto3.client("autoscaling", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b")
    asked = account()
    monkeypatch.setitem(asked.__dict__, "_identity", {"instanceId": "i-0123456789abcdef0", "region": "eu-west-1"})
    monkeypatch.setattr(asked, "_client", lambda _service: client)
    expected = {
        "AutoScalingGroupName": "slipway-staging-web",
        "LifecycleHookName": "slipway-staging-launch",
        "InstanceId": "i-0123456789abcdef0",
        "LifecycleActionResult": "CONTINUE",
    }
    with Stubber(client) as stub:
        if code is None:
            stub.add_response("complete_lifecycle_action", {}, expected)
        else:
            stub.add_client_error("complete_lifecycle_action", code, expected_params=expected)
        if outcome is None:
            with pytest.raises(activate.AwsError, match="complete the lifecycle action of slipway-staging-web"):
                asked.complete("{name}-launch")
        else:
            assert asked.complete("{name}-launch") is outcome
