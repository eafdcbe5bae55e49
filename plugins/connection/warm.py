"""Ansible connection: modules on the controller, in forks of an interpreter that has their libraries already."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: warm
version_added: 0.1.0
short_description: Execute on the controller, in forks of a warm Python interpreter
description:
  - Does what P(ansible.builtin.local#connection) does, with the same results, and starts Python modules faster.
  - The first module of a run starts a process that imports boto3, botocore and the C(module_utils) of ansible-core and
    of some collections. It forks once for every module; the fork gets the same program, environment, directory,
    standard streams and exit status that a new interpreter would. It ends with the run.
  - Everything else takes the way of P(ansible.builtin.local#connection) itself, and so do modules whenever something is
    unusual, namely without pipelining, with C(become), with C(async), with another interpreter than that of the
    controller, with an environment that changes what an interpreter reads when it starts (C(PYTHON*), C(LC_*), C(HOME)
    and the like), with a shell other than bash and dash, on systems other than Linux, and when the warm process cannot
    be started or has died. C(-vvv) tells the reason.
  - One thing is different on purpose. A module whose task timed out, or whose run was killed, is ended instead of left
    running.
  - Private interfaces of ansible-core that this leans on are the text of the command that executes a pipelined module
    (C(shell -c '[NAME=value]... python')), the name C(local) by which actions run in the directory of the playbook,
    C(DEFAULT_LOCAL_TMP) as the directory of one run, workers that are children of the run and lead their session, and
    the names of the C(module_utils) that every payload contains. Tests fail when they change. See the decision record
    0005 of the project.
author: Slipway
options:
  warm_collections:
    description:
      - Collections whose C(module_utils) are imported before they are needed. One that is not installed is left out.
    type: list
    elements: str
    default:
      - amazon.aws
      - community.aws
      - slipway.aws
    vars:
      - name: ansible_warm_collections
  warm_patience:
    description:
      - Seconds that a module waits for the warm process, which needs one or two to start, before it is run cold.
    type: int
    default: 30
    vars:
      - name: ansible_warm_patience
  become_success_timeout:
    description:
      - Number of seconds to wait for become to succeed when enabled, as P(ansible.builtin.local#connection) does.
    type: int
    default: 10
    vars:
      - name: ansible_local_become_success_timeout
  become_strip_preamble:
    description:
      - Strip internal become output preceding command execution, as P(ansible.builtin.local#connection) does.
    type: bool
    default: true
    vars:
      - name: ansible_local_become_strip_preamble
extends_documentation_fragment:
  - connection_pipelining
notes:
  - Nothing is faster without pipelining and with another C(ansible_python_interpreter) than
    C({{ ansible_playbook_python }}).
"""

EXAMPLES = r"""
- name: Provision from the controller
  hosts: localhost
  vars:
    ansible_connection: slipway.aws.warm
    ansible_python_interpreter: "{{ ansible_playbook_python }}"
    ansible_pipelining: true
  tasks:
    - name: Look for the network
      amazon.aws.ec2_vpc_net_info:
        region: eu-west-1
"""

import contextlib
import fcntl
import hashlib
import importlib
import json
import multiprocessing
import os
import re
import shlex
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import ansible.constants as C  # type: ignore[import-untyped]  # noqa: N812 (its name everywhere in Ansible)
import ansible.module_utils  # type: ignore[import-untyped]
from ansible.plugins.connection import ConnectionBase  # type: ignore[import-untyped]
from ansible.plugins.connection.local import Connection as Local  # type: ignore[import-untyped]
from ansible.utils.display import Display  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils import warm_interpreter

display = Display()

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Shells give these a meaning or a value of their own: who sets one gets a real shell.
_SHELLS_OWN = frozenset(
    {"BASHOPTS", "BASHPID", "BASH_ENV", "ENV", "EUID", "IFS", "OLDPWD", "OPTIND", "POSIXLY_CORRECT", "PPID"}
    | {"SHELLOPTS", "UID"}
)
#: Variables of the run that the warm process itself is started with. None of them holds a secret.
_INHERITED = (*warm_interpreter.READ_AT_START, "PATH", "USER", "LOGNAME")
#: The warm process is not a script, so that `__main__` has no file, as a program on stdin has none.
_BOOTSTRAP = """\
import importlib.util, sys
def start(file, *arguments):
    spec = importlib.util.spec_from_file_location("_slipway_warm_interpreter", file)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main(*map(int, arguments[:2]), arguments[2:4], *arguments[4:])
start(*sys.argv[2:])
"""


@dataclass(frozen=True)
class Plan:
    """What a shell would make of the command."""

    #: The command is ``executable -c '[NAME=value]... python'``.
    executable: str
    environment: Mapping[str, str]
    directory: str


class Unusual(Exception):  # noqa: N818 (it is not an error)
    """The reason why a command is left to the local connection."""


def plan(
    command: str, shells: tuple[str, str], python: str, inherited: Mapping[str, str], directory: str | None
) -> Plan:
    """What the environment of ``python`` would be in ``command``. Pure but for looking at directories and at /bin/sh.

    ``shells`` is the one that the connection starts and the one that the command names.
    Raises Unusual for every command that is not exactly ``shell -c '[NAME=value]... python'``.
    """
    try:
        outer = shlex.split(command)
        words = shlex.split(outer[2]) if len(outer) == 3 else []
    except ValueError:
        words = []
    if not words or words[-1] != python:
        raise Unusual("not a module for the interpreter of the controller")
    assigned = dict[str, str]()
    for word in words[:-1]:
        match = _ASSIGNMENT.fullmatch(word)
        if match is None or match[1] in assigned:
            raise Unusual("not a module for the interpreter of the controller")
        assigned[match[1]] = match[2]
    # Whatever else a shell could see in the text: it is not there when the text is what these parts make.
    inner = " ".join([*(f"{name}={shlex.quote(value)}" for name, value in assigned.items()), shlex.quote(python)])
    if command != f"{shells[1]} -c {shlex.quote(inner)}":
        raise Unusual("not a module for the interpreter of the controller")
    names = {os.path.basename(os.path.realpath(shell)) for shell in shells}  # noqa: PTH119
    if len(names) != 1 or not names <= {"bash", "dash"}:
        raise Unusual(f"unknown shell {' '.join(shells)}")
    if taken := sorted(_SHELLS_OWN & {*assigned, *(name for name in inherited if name != "OLDPWD")}):
        raise Unusual(f"the shell has its own idea of {', '.join(taken)}")
    environment = dict(inherited)
    if "PWD" in assigned or "OLDPWD" in assigned:
        raise Unusual("the shell has its own idea of PWD")
    where = directory or os.getcwd()  # noqa: PTH109
    environment["PWD"] = _pwd(inherited.get("PWD"), where)
    if names == {"dash"}:
        environment = {name: value for name, value in environment.items() if _NAME.fullmatch(name)}
    else:
        environment["_"] = python
        # A shell that nobody types into takes the prompts of one that somebody typed into away.
        environment.pop("PS1", None)
        environment.pop("PS2", None)
        environment.setdefault("SHLVL", "0")
    return Plan(shells[1], {**environment, **assigned}, where)


def _pwd(inherited: str | None, directory: str) -> str:
    """PWD as a shell sets it when it starts (POSIX, sh, "PWD"): the inherited name if it is a good one."""
    with contextlib.suppress(OSError):
        parts = (inherited or "").split("/")
        if inherited and not parts[0] and not {".", ".."} & set(parts) and os.path.samefile(inherited, directory):  # noqa: PTH121
            return inherited
    return os.path.realpath(directory)


class Connection(Local):  # type: ignore[misc]
    """The local connection, with another way to start Python modules."""

    # `transport` stays "local": by that name ansible-core runs tasks in the directory of the playbook.

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run a command on the controller."""
        try:
            asked = self._plan(cmd, in_data)
            with self._connected_socket() as connection:
                return self._run(connection, asked, cmd, in_data or b"")
        except Unusual as reason:
            if in_data:
                display.vvv(f"warm interpreter not used: {reason}", host=self._play_context.remote_addr)
        result: tuple[int, bytes, bytes] = super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        return result

    def _plan(self, cmd: object, in_data: bytes | None) -> Plan:
        if not in_data or not isinstance(in_data, bytes) or not isinstance(cmd, str):
            raise Unusual("not a pipelined module")
        if self.become:
            raise Unusual("become")
        if sys.platform != "linux" or not hasattr(os, "pidfd_open"):
            raise Unusual("not Linux")
        if os.getsid(0) != os.getpid():
            raise Unusual("workers are not isolated, so a module could reach the terminal")
        outer = (C.DEFAULT_EXECUTABLE or "").split()
        if not outer or not os.access(outer[0], os.X_OK):
            raise Unusual("no shell")
        return plan(cmd, (outer[0], str(self._play_context.executable)), sys.executable, os.environ, self.cwd)

    def _run(self, connection: socket.socket, asked: Plan, cmd: str, program: bytes) -> tuple[int, bytes, bytes]:
        """Raises Unusual as long as nothing was run."""
        # As the local connection does: this is what connects.
        ConnectionBase.exec_command(self, cmd, in_data=program)
        with contextlib.ExitStack() as stack:
            (stdout, stdout_end), (stderr, stderr_end) = os.pipe(), os.pipe()
            stack.callback(os.close, stdout)
            stack.callback(os.close, stderr)
            try:
                connection.settimeout(max(1, self.get_option("warm_patience")))
                refusal = warm_interpreter.offer(
                    connection, asked.environment, asked.directory, _umask(), stdout_end, stderr_end
                )
            except OSError as error:
                raise Unusual(f"no answer from the warm process: {error}") from error
            finally:
                os.close(stdout_end)
                os.close(stderr_end)
            if refusal is not None:
                raise Unusual(refusal)
            connection.settimeout(None)
            display.vvv(f"EXEC {cmd}", host=self._play_context.remote_addr)
            try:
                status, out, err = warm_interpreter.converse(connection, program, stdout, stderr)
            except ConnectionError as error:
                raise Unusual(f"no answer from the warm process: {error}") from error
        if status is None:
            return 255, out, err + b"The warm process died before it could tell how the module ended.\n"
        if status < 0:
            return self._killed(asked, -status, out, err)
        return status, out, err

    def _killed(self, asked: Plan, number: int, out: bytes, err: bytes) -> tuple[int, bytes, bytes]:
        """What shells say and return when their program is killed differs: let this one's say it."""
        dying = shlex.join([asked.executable, "-c", f"ulimit -c 0; kill -{number} $$"])
        status, more_out, more_err = super().exec_command(f"{asked.executable} -c {shlex.quote(dying)}", sudoable=False)
        return status or 128 + number, out + more_out, err + more_err

    @contextlib.contextmanager
    def _connected_socket(self) -> Iterator[socket.socket]:
        """A connection to the warm process of this run, which is started when there is none yet."""
        directory = Path(C.DEFAULT_LOCAL_TMP)
        try:
            found = directory.stat()
        except OSError as error:
            raise Unusual(f"the run has no directory of its own: {error}") from error
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise Unusual(f"others can reach {directory}")
        collections = json.dumps(self._collections(), sort_keys=True)
        started_with = {name: value for name, value in os.environ.items() if warm_interpreter.matches(name, _INHERITED)}
        digest = hashlib.sha256(repr((sorted(started_with.items()), collections)).encode(errors="replace")).hexdigest()
        name = f"warm-{digest[:16]}"
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                try:
                    _connect(connection, directory, name)
                except FileNotFoundError:
                    _start(directory, name, started_with, collections)
                    _connect(connection, directory, name)
            except OSError as error:
                raise Unusual(f"the warm process cannot be reached: {error}") from error
            yield connection

    def _collections(self) -> dict[str, str]:
        """Directories of the collections to import from."""
        found: dict[str, str] = {}
        for name in self.get_option("warm_collections"):
            with contextlib.suppress(ImportError, AttributeError, IndexError):
                package = importlib.import_module(f"ansible_collections.{name}")
                found[name] = os.path.realpath(next(iter(package.__path__)))
        return found


def _connect(connection: socket.socket, directory: Path, name: str) -> None:
    """Through a descriptor of the directory, since the path of a socket has at most 108 bytes (unix(7))."""
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        connection.connect(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.close(descriptor)


def _start(directory: Path, name: str, environment: Mapping[str, str], collections: str) -> None:
    """Start the process, unless another worker did it meanwhile. Its socket takes connections before it is ready.

    Raises OSError. What then lies at the place of the socket tells the other workers not to try.
    """
    lock = directory / f"{name}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if (directory / name).exists():
            return
        parent = multiprocessing.parent_process()
        controller = os.getpid() if parent is None or parent.pid is None else parent.pid
        descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(f"/proc/self/fd/{descriptor}/{name}.new")
                listener.listen(256)
                watched = os.pidfd_open(controller)
                try:
                    if parent is not None and os.getppid() != controller:
                        raise ProcessLookupError("the run has ended")
                    core = os.path.dirname(str(ansible.module_utils.__file__))  # noqa: PTH120
                    numbers = (str(listener.fileno()), str(watched))
                    subprocess.Popen(
                        [
                            *(sys.executable, "-c", _BOOTSTRAP, "slipway-warm-interpreter", warm_interpreter.__file__),
                            *(*numbers, str(directory / name), str(lock), sys.executable, core, collections),
                        ],
                        env=dict(environment),
                        cwd="/",
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        pass_fds=(listener.fileno(), watched),
                        start_new_session=True,
                    )
                finally:
                    os.close(watched)
            (directory / f"{name}.new").rename(directory / name)
        except OSError:
            (directory / name).touch()
            raise
        finally:
            os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
