"""One run at a time: a lease in the Parameter Store of the environment's own account.

It lives there because nothing else exists before the very first run. Parameter Store can create a parameter only if it
does not exist (PutParameter without Overwrite), and knows no other condition; everything here is built on that one:

* The lock is the parameter ``<path>/1``. To create it is to hold it: one request. To delete it is to let it go.
* The holder renews it. How old the last renewal is, is the difference between two clocks of AWS (LastModifiedDate and
  the Date of the answer), so that the clocks of the people who run this do not matter.
* Whoever finds an expired lease *n* creates ``<path>/n+1``, which only one can, and leaves the expired ones where they
  are: as long as ``<path>/1`` lies there, nobody can take the short way. Then it looks again: if what it found expired
  is still all there is, it holds the lock; otherwise somebody was faster, and it takes its own back.
* The holder of *n+1* deletes the expired ones before its own, so that nobody finds them expired and unguarded.

A parameter counts its versions. A renewal that is not the next version says that somebody else wrote or deleted it.

For half a minute after a parameter was deleted AWS does not promise that its name can be taken again: whoever is told
that ``<path>/1`` exists and sees nothing there has been beaten by nobody, and asks again a little later.

https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api, AWSError, error_code
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError

_EXISTS = "ParameterAlreadyExists"
_GONE = "ParameterNotFound"
#: Somebody else writes the same parameter at this moment.
_CONTENDED = ("TooManyUpdates",)
#: How often a lock that changes hands meanwhile is looked at again.
_ATTEMPTS = 5


@dataclass(frozen=True)
class Claim:
    """Who holds the lock: what the parameter says. ``lease`` in seconds; ``since`` as AWS writes a Date."""

    id: str
    user: str
    host: str
    playbook: str
    pid: int
    lease: int
    since: str = ""

    @classmethod
    def read(cls, text: str) -> Claim | None:
        """The claim of a parameter's value; None when nobody of us wrote it."""
        try:
            return cls(**json.loads(text))
        except (TypeError, ValueError):
            return None

    def written(self) -> str:
        """The parameter's value."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True)
class Found:
    """One parameter of the lock. ``age`` is the seconds since its last renewal, by the clock of AWS."""

    generation: int
    text: str
    claim: Claim | None
    renewed: datetime
    age: float

    @property
    def expired(self) -> bool:
        """Whether its holder has died. A value that cannot be read is given a lease of two minutes."""
        return self.age > (self.claim.lease if self.claim else 120)


@dataclass(frozen=True)
class Held:
    """The lock, held. ``generation`` only grows while leases expire; ``version`` is that of the last renewal."""

    generation: int
    claim: Claim
    version: int = 1
    expired: tuple[int, ...] = field(default=())


class LockedError(RefusalError):
    """Somebody else holds the lock; the message says who."""

    def __init__(self, what: str, found: Found) -> None:
        super().__init__(sentence(what, found))
        self.found = found


class NotYetFreeError(RefusalError):
    """Nobody holds the lock, but AWS does not give its name away yet."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"[locked] Nobody changes {what} any more, but AWS does not let go of the name of its lock: run this again."
        )


class LostError(RefusalError):
    """The lock is not ours any more."""


def sentence(what: str, found: Found) -> str:
    """Who holds the lock, since when, and what to do."""
    claim = found.claim
    left = max(1, round((claim.lease if claim else 120) - found.age) + 1)
    if claim is None:
        return (
            f"[locked] {what} is locked by a parameter of another Slipway (last written {_moment(found.renewed)}). "
            f"Wait; unless it is renewed, its lease ends in {left} s."
        )
    begun = parsedate_to_datetime(claim.since) if claim.since else found.renewed
    return (
        f"[locked] {what} is being changed by {claim.user} on {claim.host} ({claim.playbook}, process {claim.pid}) "
        f"since {_moment(begun)}; it was last heard of {max(0, round(found.age))} s ago. Wait for its end. If that "
        f"run is dead, its lease ends by itself in {left} s."
    )


def _moment(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


class Lock:
    """The lock of one environment. ``path`` begins with a slash; ``what`` is its name for people."""

    def __init__(self, api: Api, path: str, what: str, tags: Mapping[str, str] | None = None) -> None:
        self.api = api
        self.path = path
        self.what = what
        self.tags = [{"Key": key, "Value": str(value)} for key, value in (tags or {}).items()]

    def take(self, claim: Claim) -> Held:
        """Hold the lock, with one request when nobody else does.

        Raises LockedError when somebody holds it, NotYetFreeError when it was let go a moment ago, AnsibleAWSError when
        AWS refuses.
        """
        for _ in range(_ATTEMPTS):
            if (since := self._create(1, claim)) is not None:
                return Held(1, replace(claim, since=since))
            seen = self.look()
            if not seen:
                raise NotYetFreeError(self.what)
            alive = [found for found in seen.values() if not found.expired]
            if alive:
                raise LockedError(self.what, alive[-1])
            # Without the first the short way is open, so that there is nothing to take over.
            if 1 in seen and (held := self._take_over(claim, seen)) is not None:
                return held
        raise RefusalError(f"[locked] The lock of {self.what} changes hands all the time: run this again.")

    def _take_over(self, claim: Claim, seen: Mapping[int, Found]) -> Held | None:
        mine = max(seen) + 1
        since = self._create(mine, claim)
        if since is None:
            return None
        now = {generation: found.text for generation, found in self.look().items() if generation != mine}
        if now == {generation: found.text for generation, found in seen.items()}:
            return Held(mine, replace(claim, since=since), expired=tuple(sorted(seen)))
        self._delete(mine)
        return None

    def renew(self, held: Held) -> Held:
        """Say that the run still lives.

        Raises LostError when somebody else has taken the lock, AnsibleAWSError when AWS does not answer.
        """
        answer = self.api.call(
            f"renew the lock of {self.what}",
            "put_parameter",
            retry_on=_CONTENDED,
            Name=self._name(held.generation),
            Value=held.claim.written(),
            Type="String",
            Overwrite=True,
        )
        version = answer["Version"]
        # A request whose answer was lost is sent again by botocore: then the versions between are ours.
        between = range(held.version + 1, version)
        if version <= held.version or len(between) > 8 or not all(self._is_ours(held, one) for one in between):
            if version == 1:
                # It was gone, and this made it anew.
                self._delete(held.generation)
            raise LostError(f"[lock-lost] Another run has taken the lock of {self.what}.")
        return replace(held, version=version)

    def _is_ours(self, held: Held, version: int) -> bool:
        return self._read(f"{self._name(held.generation)}:{version}") == held.claim.written()

    def release(self, held: Held) -> None:
        """Let go. Only for whoever knows that its lease has not ended."""
        for generation in (*held.expired, held.generation):
            self._delete(generation)

    def look(self) -> dict[int, Found]:
        """What is there, by generation, the oldest first."""
        found: dict[int, Found] = {}
        more: Fields = {}
        while True:
            page = self.api.call(f"look at the lock of {self.what}", "get_parameters_by_path", Path=self.path, **more)
            now = _date(page)
            for parameter in page["Parameters"]:
                number = parameter["Name"].rsplit("/", 1)[-1]
                if number.isdigit():
                    renewed = parameter["LastModifiedDate"]
                    text = parameter["Value"]
                    age = (now - renewed).total_seconds()
                    found[int(number)] = Found(int(number), text, Claim.read(text), renewed, age)
            if not page.get("NextToken"):
                return dict(sorted(found.items()))
            more = {"NextToken": page["NextToken"]}

    def _name(self, generation: int) -> str:
        return f"{self.path}/{generation}"

    def _create(self, generation: int, claim: Claim) -> str | None:
        """The moment in which it was made; None when it exists."""
        request: Fields = {
            "Name": self._name(generation),
            "Value": claim.written(),
            "Type": "String",
            "Overwrite": False,
            "Description": f"Held while a run changes {self.what}",
            **({"Tags": self.tags} if self.tags else {}),
        }
        try:
            answer = self.api.call(f"take the lock of {self.what}", "put_parameter", retry_on=_CONTENDED, **request)
        except AWSError as error:
            if error_code(error) != _EXISTS:
                raise
            # It may be ours: botocore sends a request again when its answer was lost.
            ours = self._read(request["Name"]) == request["Value"]
            return format_datetime(datetime.now(UTC)) if ours else None
        return str(answer["ResponseMetadata"]["HTTPHeaders"]["date"])

    def _read(self, name: str) -> str | None:
        answer = self.api.call_if_exists(
            f"look at the lock of {self.what}",
            "get_parameter",
            missing={_GONE, "ParameterVersionNotFound"},
            Name=name,
        )
        return str(answer["Parameter"]["Value"]) if answer else None

    def _delete(self, generation: int) -> None:
        self.api.call_if_exists(
            f"release the lock of {self.what}", "delete_parameter", missing={_GONE}, Name=self._name(generation)
        )


def _date(answer: Mapping[str, Any]) -> datetime:
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


class Keeper:
    """Renews a held lock as long as the run lives.

    ``clock`` counts seconds, those in which the machine sleeps included.
    """

    def __init__(self, lock: Lock, held: Held, *, clock: Callable[[], float], renewed: float) -> None:
        """``renewed``: what the clock said before the lock was asked for."""
        self.lock = lock
        self.held = held
        self._clock = clock
        self._renewed = renewed

    @property
    def pause(self) -> float:
        """Seconds until the next renewal. Three of them may fail before others may think that this run is dead."""
        return max(0.0, self._renewed + self.held.claim.lease / 4 - self._clock())

    @property
    def sure(self) -> bool:
        """Whether nobody else can have taken the lock yet."""
        return self._clock() - self._renewed < self.held.claim.lease * 3 / 4

    def beat(self) -> None:
        """Renew; a failure is forgiven as long as the lease lasts.

        Raises LostError.
        """
        if self.sure:
            began = self._clock()
            try:
                self.held = self.lock.renew(self.held)
                self._renewed = began
                return
            except LostError:
                raise
            except Exception as error:
                reason = str(error)
        else:
            passed = round(self._clock() - self._renewed)
            reason = f"{passed} s after it was last asked for: this machine slept, or AWS took that long to answer"
        if not self.sure:
            raise LostError(
                f"[lock-lost] The lock of {self.lock.what} could not be renewed within its lease ({reason}), "
                "so that another run may begin."
            )

    def end(self) -> None:
        """Let go, unless somebody else may have it."""
        if self.sure:
            self.lock.release(self.held)
