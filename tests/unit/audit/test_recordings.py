"""When recorded runs are kept, and when they are made anew."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path

import pytest

from audit import recordings
from audit.account import PROJECT, Account
from audit.recording import Call, Recording
from rehearsal.emulator.server import Emulator

CALLS = (
    Call("cloudfront", "CreateFunction", "us-east-1", {"Name": "page", "FunctionCode": b"\x00\xff"}, writes=True),
    Call("s3", "ListBuckets", "eu-west-1", {}, writes=False),
)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The environments that were laid; laying takes no time here."""
    laid: list[str] = []

    class Pool:
        def __init__(self, *_: object, **__: object) -> None:
            pass

        def __enter__(self) -> Pool:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def submit(self, _: object, environment: str, digest: str) -> Future[None]:
            laid.append(environment)
            recordings.keep(environment, digest, CALLS)
            run: Future[None] = Future()
            run.set_result(None)
            return run

    monkeypatch.setattr(recordings, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(recordings, "KEPT", tmp_path / "recordings")
    monkeypatch.setattr(recordings, "digest", lambda: "one")
    return laid


def test_a_run_is_made_once(made: list[str]) -> None:
    first = recordings.recordings()
    assert recordings.recordings() == first == dict.fromkeys(("rehearsal", "staging", "production"), CALLS)
    assert sorted(made) == ["production", "rehearsal", "staging"]


def test_it_is_made_anew_when_what_it_reads_has_changed(made: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    recordings.recordings(["staging"])
    monkeypatch.setattr(recordings, "digest", lambda: "another")
    recordings.recordings(["staging"])
    assert made == ["staging", "staging"]
    assert len(list(recordings.KEPT.iterdir())) == 1


def test_the_account_is_there_as_the_run_left_it(made: list[str]) -> None:
    emulator = Emulator(0)
    emulator.start()
    left = Account("staging", emulator.endpoint, Recording())
    left.client("sns").create_topic(Name="left")
    recordings.recordings(["staging"])
    emulator.stop()
    for _ in range(2):
        with recordings.laid("staging") as account:
            [topic] = account.client("sns").list_topics()["Topics"]
            assert topic["TopicArn"].endswith(":left")
            account.client("sns").delete_topic(TopicArn=topic["TopicArn"])
    assert made == ["staging"]


def test_the_digest_is_of_what_a_run_reads(tmp_path: Path) -> None:
    for name in recordings.READ:
        path = tmp_path / name
        if path.suffix:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        else:
            path.mkdir(parents=True, exist_ok=True)
    before = recordings.digest(tmp_path)
    policies = tmp_path / "roles" / "aws_deployers" / "files" / "policies.json"
    policies.parent.mkdir(parents=True)
    policies.write_text("[]")
    assert recordings.digest(tmp_path) == before
    (tmp_path / "roles" / "aws_network.yml").write_text("more")
    assert recordings.digest(tmp_path) != before


def test_what_is_digested_exists() -> None:
    assert [name for name in recordings.READ if not (PROJECT / name).exists()] == []
