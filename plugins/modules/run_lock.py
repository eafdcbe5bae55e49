#!/usr/bin/python
"""Ansible module: one run at a time on one environment."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
module: run_lock
version_added: 0.1.0
short_description: Hold the lock of an environment until the run ends
description:
  - Takes a lease in the Parameter Store of the account, or fails with who has it and since when.
  - A process in the background renews the lease as long as C(ansible-playbook) lives, and lets it go as soon as that
    has ended, however it ended. When that process dies too, because the machine does, the lease ends by itself.
  - A run that loses the lease, because its machine slept or cannot reach AWS, is interrupted as if by the keyboard.
  - Two requests, one at the begin and one after the end, and one for every quarter of the lease between.
  - Takes nothing in check mode.
  - The action plugin of the same name fills in who runs what.
author: Slipway
options:
  path:
    description: Where the lock lies in the Parameter Store. Begins with a slash, and nothing else lies below it.
    type: str
    required: true
  environment_name:
    description: What the lock is for, in the words of the refusal.
    type: str
    required: true
  lease_seconds:
    description: For how long the lock outlives a run that nobody could end properly.
    type: int
    default: 120
  lock_tags:
    description: Tags of the parameter.
    type: dict
    default: {}
  controller_pid:
    description: Process whose end releases the lock. The action plugin knows it.
    type: int
    required: true
  playbook:
    description: What runs, for the refusal of others. The action plugin knows it.
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
attributes:
  check_mode:
    support: full
    description: Calls nothing.
"""

EXAMPLES = r"""
- name: Be the only one who changes staging
  slipway.aws.run_lock:
    path: /slipway-run-lock/slipway-staging
    environment_name: slipway-staging
    # Both are filled in when the task leaves them out.
    controller_pid: 4711
    playbook: site.yml
"""

RETURN = r"""
held:
  description: Whether the lock is held; false in check mode.
  returned: always
  type: bool
since:
  description: Since when, as AWS writes a date; empty in check mode.
  returned: always
  type: str
generation:
  description: Grows by one with every lease that somebody took over from a dead run; 0 in check mode.
  returned: always
  type: int
"""

import contextlib
import getpass
import os
import select
import signal
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from ansible_collections.slipway.aws.plugins.module_utils.aws import Api, AWSError, Module, aws_module
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError
from ansible_collections.slipway.aws.plugins.module_utils.run_lock import (
    Claim,
    Held,
    Keeper,
    Lock,
    LockedError,
    LostError,
    NotYetFreeError,
)

ARGUMENTS: Fields = {
    "path": {"type": "str", "required": True},
    "environment_name": {"type": "str", "required": True},
    "lease_seconds": {"type": "int", "default": 120},
    "lock_tags": {"type": "dict", "default": {}},
    "controller_pid": {"type": "int", "required": True},
    "playbook": {"type": "str", "required": True},
}

#: A run of this machine that has just ended lets its lock go in this time; if it cannot, because its credentials have
#: expired, its lease ends without it, and this long after.
PATIENCE_SECONDS = 5.0
#: Between the attempts to take a name that was let go: together a little more than the 30 seconds that AWS asks for.
PAUSES = (1, 2, 4, 8, 16)
SHORTEST_LEASE = 4


def clock() -> float:
    """Seconds that also pass while the machine sleeps, where the system can count them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def user_name() -> str:
    """Who runs this."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def take(lock: Lock, claim: Claim) -> tuple[Held, float]:
    """Take the lock; wait for its name to be free, and for a run of this machine that has ended or for its lease.

    Also tells when it was asked for, by our clock: the lease counts from there, and not from the begin of the wait.
    Raises LockedError, NotYetFreeError.
    """
    began = clock()
    pauses = iter(PAUSES)
    while True:
        asked = clock()
        try:
            return lock.take(claim), asked
        except LockedError as refused:
            holder = refused.found.claim
            local = holder is not None and holder.host == claim.host
            patience = PATIENCE_SECONDS + (holder.lease if holder else 0)
            if not local or clock() - began > patience or (holder and _lives(holder.pid)):
                raise
            time.sleep(0.3)
        except NotYetFreeError:
            if (pause := next(pauses, None)) is None:
                raise
            time.sleep(pause)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class Watch:
    """Waits for the end of a process that is not a child."""

    def __init__(self, pid: int) -> None:
        """Raises ProcessLookupError when it has ended already."""
        os.kill(pid, 0)
        self._pid = pid
        self._descriptor: int | None = None
        # Other systems than Linux lack it.
        with contextlib.suppress(AttributeError, OSError):
            self._descriptor = os.pidfd_open(pid)

    @property
    def descriptors(self) -> set[int]:
        return set() if self._descriptor is None else {self._descriptor}

    def ended_within(self, seconds: float) -> bool:
        """Wait that long at most."""
        if self._descriptor is not None:
            poll = select.poll()
            poll.register(self._descriptor, select.POLLIN)
            return bool(poll.poll(max(0.0, seconds) * 1000))
        deadline = clock() + seconds
        while _lives(self._pid):
            if clock() >= deadline:
                return False
            time.sleep(min(1.0, max(0.0, deadline - clock())))
        return True


def keep(keeper: Keeper, watch: Watch, controller: int) -> None:
    """Renew until the run has ended, then let go. Interrupts the run when the lock is lost."""
    while not watch.ended_within(keeper.pause):
        try:
            keeper.beat()
        except LostError as lost:
            _tell(controller, str(lost))
            with contextlib.suppress(ProcessLookupError):
                os.kill(controller, signal.SIGINT)
            return
        if keeper.pause == 0:
            # AWS did not answer: not again at once.
            watch.ended_within(1)
    keeper.end()


def _tell(controller: int, message: str) -> None:
    with contextlib.suppress(OSError), Path(f"/proc/{controller}/fd/2").open("a") as terminal:
        terminal.write(f"\n{message} This run is stopped; run it again.\n")


def in_background(work: Callable[[], None], kept: set[int]) -> None:
    """Do it in a process that outlives this one: no child, another session, none of its files."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    status = 1
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        for number in sorted(int(name) for name in os.listdir("/dev/fd")):  # noqa: PTH208
            if number > 2 and number not in kept:
                with contextlib.suppress(OSError):
                    os.close(number)
        work()
        status = 0
    finally:
        os._exit(status)


def main() -> None:
    module: Module = aws_module(ARGUMENTS)
    params = module.params
    if module.check_mode:
        module.exit_json(changed=False, held=False, since="", generation=0)
    try:
        if params["lease_seconds"] < SHORTEST_LEASE:
            raise RefusalError(f"A lease of {params['lease_seconds']} s cannot be renewed in time: take 60 or more.")
        lock = Lock(Api(module.client("ssm")), params["path"], params["environment_name"], params["lock_tags"])
        claim = Claim(
            id=uuid.uuid4().hex,
            user=user_name(),
            host=socket.gethostname(),
            playbook=params["playbook"],
            pid=params["controller_pid"],
            lease=params["lease_seconds"],
        )
        watch = Watch(params["controller_pid"])
        held, asked = take(lock, claim)

        def work() -> None:
            # A client of its own: the connection of the other belongs to a process that ends now.
            lock.api = Api(module.client("ssm"), retries=3)
            keep(Keeper(lock, held, clock=clock, renewed=asked), watch, params["controller_pid"])

        in_background(work, watch.descriptors)
        # Who holds the lock is nothing that a second run would have to change.
        module.exit_json(changed=False, held=True, since=held.claim.since, generation=held.generation)
    except ProcessLookupError:
        module.fail_json(msg=f"There is no process {params['controller_pid']} whose end would release the lock.")
    except RefusalError as refusal:
        module.fail_json(msg=str(refusal))
    except AWSError as error:
        module.fail_json_aws_error(error)


if __name__ == "__main__":
    main()
