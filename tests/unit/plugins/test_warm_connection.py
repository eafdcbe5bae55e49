"""`slipway.aws.warm` gives what `ansible.builtin.local` gives: the same playbook runs through both, task by task."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).parents[3]
LOCAL, WARM = "ansible.builtin.local", "slipway.aws.warm"
SECRET = "a-secret-of-one-task-only"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is nothing warm elsewhere")

Answer = dict[str, Any]

#: A module with every habit, good or bad. What differs between two processes anyway is not returned.
PROBE = r'''
#!/usr/bin/python
import atexit, ctypes, gc, locale, os, resource, signal, stat, subprocess, sys, tempfile, threading, time
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.formatters import human_to_bytes

def warm():
    with open("/proc/%d/cmdline" % os.getppid(), "rb") as file:
        return b"slipway-warm-interpreter" in file.read()

def taken():
    loader = getattr(sys.modules["ansible.module_utils.basic"].__spec__, "loader", None)
    aside = getattr(loader, "aside", {})
    return sorted(name for name, entry in aside.items() if sys.modules.get(name) is entry.module)

def state():
    main = sys.modules["__main__"]
    return dict(
        environ=dict(os.environ), cwd=os.getcwd(), umask=os.umask(0o22), argv=sys.argv, flags=str(sys.flags),
        path=[entry for entry in sys.path if not entry.endswith(".zip") or "payload" not in entry],
        signals={str(number): str(signal.getsignal(number)) for number in signal.valid_signals()},
        mask=sorted(map(str, signal.pthread_sigmask(signal.SIG_BLOCK, []))),
        limits={name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")},
        descriptors=sorted(
            (int(name), stat.S_IFMT(os.stat("/proc/self/fd/" + name).st_mode))
            for name in os.listdir("/proc/self/fd") if int(name) < 200 and os.path.exists("/proc/self/fd/" + name)
        ),
        streams=[(s.name, s.mode, s.encoding, s.errors, s.line_buffering, s.isatty()) for s in (sys.stdin, sys.stdout, sys.stderr)],
        locale=locale.setlocale(locale.LC_ALL), coding=sys.getfilesystemencoding(), temp=tempfile.gettempdir(),
        gc=gc.isenabled(), threads=threading.active_count(), executable=sys.executable, nice=os.nice(0),
        main=sorted(key for key in vars(main)), name=__name__, leader=os.getpid() == os.getpgrp(),
        user=(os.getuid(), os.getgid(), os.getgroups()), parent_session=os.getsid(0) == os.getsid(os.getppid()),
        frame=sys._getframe().f_code.co_filename.split("/")[-1], zone=time.tzname, prefix=sys.prefix,
        terminal=os.path.exists("/dev/tty") and can_open("/dev/tty"),
    )

def can_open(path):
    try:
        os.close(os.open(path, os.O_RDWR))
    except OSError:
        return False
    return True

def origins(module):
    """Where Python says that things come from, without the name of the temporary directory."""
    import ansible.module_utils.common.respawn as respawn, ansible.module_utils.common as package
    found = [respawn.__file__, str(respawn._ANSIBLE_PARENT_PATH), respawn.has_respawned.__code__.co_filename, *package.__path__,
             respawn.__spec__.origin, respawn.__loader__.get_source(respawn.__name__)[:40]]
    for name in ("ansible_collections.amazon.aws", "ansible.module_utils.common.dict_transformations",
                 "ansible.release", "ansible.module_utils.nothing", "boto3"):
        try:
            __import__(name)
            found.append(name)
        except ImportError as error:
            found.append(str(error))
    import linecache
    return [text.replace(module_path(), "PAYLOAD") for text in found]

def module_path():
    return sys.modules["__main__"]._modlib_path if hasattr(sys.modules["__main__"], "_modlib_path") else _modlib_path

def find(needle):
    """How often this process has it in its memory. The needle comes in reverse, or it would find itself."""
    needle, hits = needle[::-1].encode(), 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
        for line in maps.read().splitlines():
            span, rights = line.split()[:2]
            if not rights.startswith("rw") or "[v" in line:
                continue
            begin, end = (int(part, 16) for part in span.split("-"))
            try:
                memory.seek(begin)
                hits += memory.read(end - begin).count(needle)
            except (OSError, ValueError, OverflowError):
                pass
    return hits - 1 # needle itself

def main():
    module = AnsibleModule(
        argument_spec=dict(how=dict(type="str", default="ok"), secret=dict(type="str", no_log=True), text=dict(type="str")),
        supports_check_mode=True,
    )
    how, more = module.params["how"], {}
    if how == "state":
        more["state"] = state()
    elif how == "origins":
        more["origins"] = origins(module)
    elif how == "find":
        more["hits"] = find(module.params["text"])
    elif how == "raise":
        raise ValueError("deliberate")
    elif how == "chained":
        try:
            {}["missing"]
        except KeyError as error:
            raise RuntimeError("deliberate") from error
    elif how == "fail":
        module.fail_json(msg="deliberate", detail=dict(a=1))
    elif how == "exit":
        sys.exit(7)
    elif how == "exit text":
        sys.exit("deliberate")
    elif how == "_exit":
        os._exit(9)
    elif how == "nothing":
        os._exit(0)
    elif how.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, how))
        time.sleep(5)
    elif how == "interrupt":
        raise KeyboardInterrupt
    elif how == "abort":
        ctypes.string_at(0)
    elif how == "junk before":
        print("junk line")
        sys.stderr.write("on stderr\n")
    elif how == "junk after":
        atexit.register(print, "junk after")
    elif how == "junk only":
        os.write(1, b"\xff\xfe{[ no JSON \x00\n")
        sys.exit(3)
    elif how == "close":
        os.close(1)
        os.close(2)
        os._exit(0)
    elif how == "stdin":
        more["stdin"] = sys.stdin.read()
        more["kind"] = stat.S_IFMT(os.fstat(0).st_mode)
    elif how == "ruin":
        import builtins
        try:
            import boto3
        except ImportError:
            boto3 = builtins
        os.environ.clear()
        os.environ["LEFT_BEHIND"] = "by ruin"
        os.chdir("/")
        os.umask(0)
        sys.path[:] = []
        sys.modules["json"].dumps = None
        boto3.client = builtins.open = builtins.print = None
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.closerange(3, 1000)
        os.write(1, b'{"changed": false, "ruined": true}\n')
        os._exit(0)
    elif how == "big":
        more["big"] = "x" * 3000000
    elif how == "unicode":
        more["text"] = "\u00e4\U0001f600\u2028" + (module.params["text"] or "")
    elif how == "thread":
        def late():
            time.sleep(0.3)
            with open(module.params["text"], "w") as file:
                file.write("late")
        threading.Thread(target=late).start()
    elif how == "fork":
        if os.fork() == 0:
            os._exit(5)
        more["child"] = os.wait()[1]
    elif how == "daemon":
        if os.fork() == 0:
            os.setsid()
            for number in (0, 1, 2):
                os.close(number)
            time.sleep(1)
            with open(module.params["text"], "w") as file:
                file.write("outlived")
            os._exit(0)
    elif how == "setsid":
        os.setsid()
        more["session"] = os.getsid(0) == os.getpid()
    elif how == "daemon that holds the pipe":
        if os.fork() == 0:
            time.sleep(1)
            os._exit(0)
    elif how == "sleep":
        with open(module.params["text"], "w") as file:
            file.write(str(os.getpid()))
        subprocess.Popen(["sleep", "1003"])
        time.sleep(1003)
    elif how == "kill parent":
        with open("/proc/%d/stat" % os.getppid()) as file:
            warm_process = int(file.read().rsplit(")", 1)[1].split()[1])
        os.kill(warm_process, signal.SIGKILL)
        time.sleep(0.2)
    elif how == "run":
        rc, out, err = module.run_command("echo out; echo err >&2; pwd; umask; exit 4", use_unsafe_shell=True)
        more["run"] = [rc, out, err]
    elif how == "respawn":
        from ansible.module_utils.common.respawn import has_respawned, respawn_module
        if not has_respawned():
            respawn_module(sys.executable)
        more["respawned"] = True
    elif how == "socket":
        directory = [word for word in open("/proc/%d/cmdline" % os.getppid()).read().split("\0") if "/warm-" in word][0]
        more["socket"] = directory
    module.warn("a warning")
    module.deprecate("old", version="9.9", collection_name="a.b")
    secret = module.params["secret"]
    module.exit_json(
        changed=how == "ok", check=module.check_mode, diffing=module._diff, warm=warm(), taken=taken(),
        length=len(secret or ""), echo=secret, bytes=human_to_bytes("1K"), private=oct(os.stat(module.tmpdir).st_mode), **more,
    )

if __name__ == "__main__":
    main()
'''  # noqa: E501
#: Not AnsiballZ: takes its arguments from a file.
OLD_STYLE = """#!/bin/sh
. "$1"
printf '{"changed": false, "word": "%s", "old": true}' "$word"
"""
OVERRIDE = """
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.mine import VALUE
import ansible.module_utils.common.text.formatters as formatters
module = AnsibleModule(argument_spec={})
module.exit_json(changed=False, value=VALUE, overridden=getattr(formatters, "OVERRIDDEN", None))
"""


#: Keywords of a task that Python has keywords of its own for.
ASYNC: Answer = {"async": 20, "poll": 1}


def probe(how: str = "ok", **more: Any) -> Answer:
    """A task with the probe; keywords that the probe does not know belong to the task."""
    arguments = {key: more.pop(key) for key in ("secret", "text") if key in more}
    return {"probe": {"how": how, **arguments}, "ignore_errors": True, **more}


CASES: dict[str, Answer] = {
    "ok": probe(),
    "state of the process": probe("state"),
    "state with an environment": probe(
        "state",
        environment={"A": "a b'c\"d $HOME `id` \\ \n x", "AWS_ACCESS_KEY_ID": "other", "EMPTY": "", "TERM": "vt52"},
    ),
    "state with another locale": probe("state", environment={"LC_ALL": "C"}),
    "state with a variable of Python": probe("state", environment={"PYTHONHASHSEED": "7", "PYTHONWARNINGS": "error"}),
    "state with another home": probe("state", environment={"HOME": "/nowhere"}),
    "state with another time zone": probe("state", environment={"TZ": "Asia/Tokyo"}),
    "state with a variable of the shell": probe("state", environment={"IFS": "x", "PWD": "/"}),
    "origins of modules": probe("origins"),
    "check mode": probe(check_mode=True, secret=SECRET),
    "diff": probe(diff=True),
    "no_log": probe(no_log=True, secret=SECRET),
    "no_log of a failure": probe("raise", no_log=True, secret=SECRET),
    "a secret": probe(secret=SECRET),
    "exception": probe("raise"),
    "chained exception": probe("chained"),
    "fail_json": probe("fail"),
    "sys.exit": probe("exit"),
    "sys.exit with a text": probe("exit text"),
    "os._exit": probe("_exit"),
    "nothing at all": probe("nothing"),
    **{f"{name}": probe(name) for name in ("SIGKILL", "SIGSEGV", "SIGTERM", "SIGINT", "SIGHUP", "SIGABRT")},
    "KeyboardInterrupt": probe("interrupt"),
    "null pointer": probe("abort"),
    "junk before": probe("junk before"),
    "junk after": probe("junk after"),
    "junk only": probe("junk only"),
    "closed streams": probe("close"),
    "reads stdin": probe("stdin"),
    "wrong argument": {"probe": {"wrong": 1}, "ignore_errors": True},
    "ruins its process": probe("ruin"),
    "after the ruin": probe("state"),
    "runs a command": probe("run"),
    "big result": probe("big"),
    "big argument": probe("unicode", text="y" * 2_000_000),
    "unicode": probe("unicode", text="ü\u2028😀"),
    "a thread that ends later": probe("thread", text="{{ playbook_dir }}/late"),
    "what the thread wrote": {"ansible.builtin.slurp": {"path": "{{ playbook_dir }}/late"}},
    "forks": probe("fork"),
    "starts a session": probe("setsid"),
    "leaves a daemon": probe("daemon", text="{{ playbook_dir }}/outlived"),
    "leaves a child with its pipe": probe("daemon that holds the pipe"),
    "what the daemon wrote": {"ansible.builtin.slurp": {"path": "{{ playbook_dir }}/outlived"}},
    "respawns": probe("respawn"),
    "times out": probe("sleep", text="{{ playbook_dir }}/slept", timeout=2),
    "async": probe(**ASYNC),
    "async failure": probe("raise", **ASYNC),
    "loop": probe("unicode", text="{{ item }}", loop=["a", "b"]),
    "retries": probe("fail", retries=1, delay=0, until="answer is succeeded", register="answer"),
    "without pipelining": probe(vars={"ansible_pipelining": False}),
    "another interpreter": probe(vars={"ansible_python_interpreter": "{{ playbook_dir }}/python"}),
    "no interpreter": probe(vars={"ansible_python_interpreter": "/nowhere/python"}),
    "become": probe(become=True, vars={"ansible_become_method": "ansible.builtin.su"}),
    "become nobody": probe(become=True, become_user="nowhere", vars={"ansible_become_method": "ansible.builtin.su"}),
    "delegated": probe("state", delegate_to="other"),
    "another shell": probe("state", vars={"ansible_shell_executable": "/bin/bash"}),
    "old style": {"old_style": {"word": "yes"}},
    "overridden module_utils": {"override": {}},
    "ping": {"ansible.builtin.ping": {}},
    "command": {"ansible.builtin.command": {"cmd": "sh -c 'pwd; umask; echo e >&2; exit 3'"}, "ignore_errors": True},
    "command with stdin": {"ansible.builtin.command": {"cmd": "cat", "stdin": "in\nput"}},
    "shell": {"ansible.builtin.shell": {"cmd": "echo $0 $PWD; cat", "chdir": "/"}},
    "raw": {"ansible.builtin.raw": "echo raw; exit 2", "ignore_errors": True},
    "script": {"ansible.builtin.script": "{{ playbook_dir }}/script.sh"},
    "stat": {"ansible.builtin.stat": {"path": "/etc/passwd"}},
    "copy": {"ansible.builtin.copy": {"content": "one\ntwo\n", "dest": "{{ playbook_dir }}/copied", "mode": "0640"}},
    "copy in check mode": {
        "ansible.builtin.copy": {"content": "one\nthree\n", "dest": "{{ playbook_dir }}/copied", "mode": "0600"},
        "check_mode": True,
        "diff": True,
    },
    "template": {"ansible.builtin.template": {"src": "t.j2", "dest": "{{ playbook_dir }}/rendered", "mode": "0600"}},
    "file": {"ansible.builtin.file": {"path": "relative", "state": "directory", "mode": "0700"}, "diff": True},
    "facts": {"ansible.builtin.setup": {"gather_subset": ["!all", "!min", "distribution", "user"]}},
    "AWS, no endpoint": {
        "amazon.aws.aws_caller_info": {},
        "environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1", "AWS_REGION": "eu-west-1"},
        "ignore_errors": True,
    },
    "AWS, wrong input": {"amazon.aws.s3_bucket": {"name": "Bad_Bucket!!"}, "ignore_errors": True},
    "AWS, service with a deprecated import": {
        "community.aws.networkfirewall_info": {"region": "eu-west-1"},
        "environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"},
        "ignore_errors": True,
    },
    "slipway": {
        "slipway.aws.cloudfront_policy_info": {"kind": "cache", "names": ["x"]},
        "environment": {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1", "AWS_REGION": "eu-west-1"},
        "ignore_errors": True,
    },
}
#: These are for the local connection itself; of the others, all that run a module of Python are served warm.
COLD = {
    *("state with another locale", "state with a variable of Python", "state with another home"),
    *("state with another time zone", "state with a variable of the shell", "async", "without pipelining"),
    *("another interpreter", "another shell", "become"),
}
NEEDS = {"become": os.geteuid() == 0 and shutil.which("su") is not None, "another shell": Path("/bin/bash").exists()}
CASES = {name: task for name, task in CASES.items() if NEEDS.get(name, True)}


@dataclass(frozen=True)
class Site:
    """A directory with a playbook and everything that it needs."""

    directory: Path

    @property
    def temporary(self) -> Path:
        return self.directory / "temporary"

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_", "LC_"))}
        return {
            **kept,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "FOO.BAR": "not a name for a shell",
            "LANG": "C.UTF-8",
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(self.temporary),
            **more,
        }

    @contextlib.contextmanager
    def start(self, play: Answer, connection: str, *words: str, **more: str) -> Iterator[subprocess.Popen[bytes]]:
        """``ansible-playbook`` on a play, for as long as the block takes."""
        playbook = self.directory / f"play-{time.monotonic_ns()}.yml"
        playbook.write_text(yaml.safe_dump([play], sort_keys=False))
        process = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("ansible-playbook")), "-i", "inventory.yml", str(playbook)),
                *("-e", f"connection_under_test={connection}", *words),
            ],
            cwd=self.directory,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            with process:
                try:
                    yield process
                finally:
                    process.kill()
        finally:
            wait_for(lambda: not self.warm_processes())

    def run(self, play: Answer, connection: str, *words: str, **more: str) -> list[Answer]:
        """Results of the tasks: name, and for every host what the callback of JSON tells."""
        with self.start(play, connection, *words, **more) as process:
            out, err = process.communicate(timeout=240)
        assert out.strip(), err.decode()
        text = out.decode()
        told: Answer = json.loads(text[text.index("{\n") :])
        return [task for one in told["plays"] for task in one["tasks"]]

    def warm_processes(self) -> list[int]:
        """Pids of warm processes of this site's runs, without their forks."""
        found: dict[int, int] = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes()
                parent = (process / "stat").read_text().rsplit(")", 1)[1].split()[1]
            except OSError:
                continue
            if b"slipway-warm-interpreter" in words and os.fsencode(self.temporary) in words:
                found[int(process.name)] = int(parent)
        return [pid for pid, parent in found.items() if parent not in found]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return make_site(tmp_path_factory.mktemp("site"))


def make_site(top: Path) -> Site:
    site = Site(top)
    (top / "library").mkdir()
    for directory in (site.temporary, top / "remote"):
        directory.mkdir(mode=0o700)
    (top / "library" / "probe.py").write_text(PROBE.lstrip())
    (top / "library" / "old_style").write_text(OLD_STYLE)
    (top / "library" / "override.py").write_text(OVERRIDE)
    (top / "module_utils").mkdir()
    (top / "module_utils" / "mine.py").write_text("VALUE = 'mine'\n")
    (top / "t.j2").write_text("{{ inventory_hostname }}\n")
    (top / "script.sh").write_text("#!/bin/sh\necho script $#\n")
    (top / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for name in ("script.sh", "python"):
        (top / name).chmod(0o755)
    (top / "ansible.cfg").write_text(
        f"[defaults]\ncollections_path = {PROJECT / 'collections'}\nlibrary = library\nmodule_utils = module_utils\n"
        f"stdout_callback = ansible.posix.json\nforks = 8\nremote_tmp = {top / 'remote'}\nretry_files_enabled = False\n"
        "[connection]\npipelining = True\n"
    )
    hosts = ["one", "other", *(f"many{number}" for number in range(8))]
    (top / "inventory.yml").write_text(
        yaml.safe_dump(
            {
                "all": {
                    "hosts": {name: {} for name in hosts},
                    "vars": {
                        "ansible_connection": "{{ connection_under_test }}",
                        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
                    },
                }
            }
        )
    )
    return site


def play(*tasks: Answer, hosts: str = "one", **more: Any) -> Answer:
    return {"hosts": hosts, "gather_facts": False, "tasks": list(tasks), **more}


def only(results: list[Answer], host: str = "one") -> list[Answer]:
    return [task["hosts"][host] for task in results]


@pytest.fixture(scope="module")
def both(site: Site) -> dict[str, dict[str, Answer]]:
    """Results by connection and by name of the task."""
    tasks = [{"name": name, **task} for name, task in CASES.items()]
    found = {}
    for connection in (LOCAL, WARM):
        for file in ("late", "outlived", "slept", "copied", "rendered", "relative"):
            path = site.directory / file
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink(missing_ok=True)
        results = site.run(play(*tasks), connection)
        found[connection] = {task["task"]["name"]: task["hosts"]["one"] for task in results}
        if connection == LOCAL:
            # The local connection leaves the module that timed out, and what it has started.
            os.killpg(os.getpgid(int((site.directory / "slept").read_text())), signal.SIGKILL)
    return found


#: What two runs of one thing never have in common.
_DIFFERENT = (
    (re.compile(r"ansible_(?:\w+\.)*\w+_payload_\w+"), "PAYLOAD"),
    (re.compile(r"ansible-(?:tmp|local|moduletmp)-[\d.]+[-\w]*"), "TEMPORARY"),
    (re.compile(r"\bj\d{6,}\.\d+"), "JOB"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d+"), "TIME"),
    (re.compile(r"0:00:\d\d\.\d+"), "DURATION"),
    (re.compile(r"0x[0-9a-f]{6,}"), "ADDRESS"),
    # A signal's message of a shell that is not interactive, with what it says of cores.
    (re.compile(r" \(core dumped\)"), ""),
)
_VOLATILE = {"warm", "taken", "atime", "mtime", "ctime", "inode", "ansible_job_id", "results_file", "src", "delta"}
_VOLATILE |= {"start", "end", "ansible_connection"}


def comparable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: comparable(one) for key, one in value.items() if key not in _VOLATILE}
    if isinstance(value, list):
        return [comparable(one) for one in value]
    if isinstance(value, str):
        for pattern, name in _DIFFERENT:
            value = pattern.sub(name, value)
    return value


@pytest.mark.parametrize("name", CASES)
def test_both_connections_give_the_same(both: dict[str, dict[str, Answer]], name: str) -> None:
    cold, warm = both[LOCAL][name], both[WARM][name]
    assert comparable(warm) == comparable(cold)


@pytest.mark.parametrize("name", [name for name, task in CASES.items() if "probe" in task])
def test_what_can_be_warm_is_warm(both: dict[str, dict[str, Answer]], name: str) -> None:
    assert not both[LOCAL][name].get("warm")
    if "warm" in both[WARM][name]:
        assert both[WARM][name]["warm"] == (name not in COLD)


def test_the_comparison_sees_what_it_compares(both: dict[str, dict[str, Answer]]) -> None:
    """The tasks did what their names say, so that two equal failures of the test's own are no success."""
    cold = both[LOCAL]
    assert cold["ok"]["changed"]
    assert cold["ok"]["echo"] is None
    assert cold["check mode"]["check"]
    assert cold["diff"]["diffing"]
    assert cold["a secret"]["length"] == len(SECRET)
    assert SECRET not in json.dumps(cold)
    assert "censored" in cold["no_log"]
    assert "deliberate" in cold["exception"]["msg"]
    assert cold["sys.exit"]["rc"] == 7
    assert cold["os._exit"]["rc"] == 9
    assert cold["SIGKILL"]["rc"] == 137
    assert cold["reads stdin"]["stdin"] == ""
    assert cold["ruins its process"]["ruined"]
    assert cold["after the ruin"]["state"]["cwd"] != "/"
    assert cold["big result"]["big"]
    assert len(cold["big argument"]["text"]) > 2_000_000
    assert cold["leaves a daemon"]["length"] == 0
    assert cold["respawns"]["respawned"]
    assert cold["times out"]["timedout"]["period"] == 2
    assert cold["async"]["finished"]
    assert cold["overridden module_utils"]["value"] == "mine"
    assert cold["old style"]["old"]
    assert cold["state of the process"]["state"]["descriptors"]
    assert cold["state with an environment"]["state"]["environ"]["A"] == "a b'c\"d $HOME `id` \\ \n x"


def test_a_module_that_timed_out_is_ended(both: dict[str, dict[str, Answer]], site: Site) -> None:
    assert both[WARM]["times out"]["timedout"]
    pid = int((site.directory / "slept").read_text())
    assert gone(pid)


def test_a_payload_with_the_same_sources_executes_none_of_them_again(both: dict[str, dict[str, Answer]]) -> None:
    """Fails when a new ansible-core makes its payloads in another way: then nothing would be wrong, but slow again."""
    taken = set(both[WARM]["ok"]["taken"])
    assert {"ansible.module_utils.basic", "ansible.module_utils._internal._messages"} <= taken
    assert "ansible.module_utils._internal._ansiballz._loader" in taken
    assert len(taken) > 45
    assert not both[WARM]["another shell"]["taken"] or both[WARM]["another shell"]["warm"]


def test_overriding_a_module_util_stops_everything_that_uses_it_from_being_taken(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    base = Path(str(__import__("ansible").__file__)).parent / "module_utils" / "common" / "text" / "formatters.py"
    override = site.directory / "module_utils" / "common" / "text"
    override.mkdir(parents=True)
    (override / "formatters.py").write_text(base.read_text() + "\nOVERRIDDEN = True\n")
    cold, warm = (only(site.run(play({"override": {}}, probe()), one)) for one in (LOCAL, WARM))
    assert comparable(warm) == comparable(cold)
    assert warm[0]["overridden"]
    assert warm[1]["warm"]
    assert "ansible.module_utils.basic" not in warm[1]["taken"]
    assert "ansible.module_utils._internal" in warm[1]["taken"]


def test_many_hosts_at_once(site: Site) -> None:
    tasks = [
        probe("unicode", text="{{ inventory_hostname }}", environment={"MINE": "{{ inventory_hostname }}"}),
        probe("state"),
    ]
    cold, warm = (site.run(play(*tasks, hosts="all", strategy="ansible.builtin.free"), one) for one in (LOCAL, WARM))

    def by_host(results: list[Answer]) -> Answer:
        found: Answer = {}
        for task in results:
            for host, answer in task["hosts"].items():
                found.setdefault(host, []).append(answer)
        return found

    assert comparable(by_host(warm)) == comparable(by_host(cold))
    assert all(answer["warm"] for answers in by_host(warm).values() for answer in answers)
    assert len(by_host(warm)) == 10


def test_no_secret_reaches_the_next_module(site: Site) -> None:
    """A fork has a copy of everything that the warm process has in its memory."""
    environment = {"AWS_SECRET_ACCESS_KEY": SECRET, "TOKEN": SECRET + "-too"}
    results = only(
        site.run(
            play(
                probe(secret=SECRET, environment=environment),
                probe("fail", secret=SECRET, environment=environment),
                probe("find", text=SECRET[::-1]),
                probe("find", text="slipway-warm-interpreter"[::-1]),
            ),
            WARM,
        )
    )
    assert all(result["warm"] for result in (results[0], *results[2:]))
    assert results[2]["hits"] == 0
    # The search finds what is there.
    assert results[3]["hits"] > 0


def test_the_warm_process_is_started_without_the_secrets_of_the_run(site: Site) -> None:
    with site.start(play(probe("sleep", text=str(site.directory / "pid"))), WARM, AWS_SESSION_TOKEN=SECRET):
        wait_for((site.directory / "pid").exists)
        (warm,) = site.warm_processes()
        environment = Path(f"/proc/{warm}/environ").read_bytes()
        hits = found_in_memory(warm, SECRET, "slipway-warm-interpreter")
    (site.directory / "pid").unlink()
    assert SECRET.encode() not in environment
    assert b"AWS_" not in environment
    assert b"HOME=" in environment
    assert hits is None or (hits[0] == 0 and hits[1] > 0)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_of_a_run_that_was_killed(tmp_path: Path, number: signal.Signals) -> None:
    site = make_site(tmp_path)
    pid_file = site.directory / "pid"
    with site.start(play(probe("sleep", text=str(pid_file))), WARM) as run:
        wait_for(lambda: pid_file.exists() and bool(pid_file.read_text()))
        module = int(pid_file.read_text())
        warm = site.warm_processes()
        run.send_signal(number)
        run.wait(20)
    assert len(warm) == 1
    assert gone(module)
    assert gone(*warm)
    assert not list(site.temporary.rglob("warm*"))
    assert not [line for line in processes() if "sleep 1003" in line and f"\t{module}\t" in line]


def test_nothing_is_left_of_a_run_that_ended(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    (result,) = only(site.run(play(probe()), WARM))
    assert result["warm"]
    assert not list(site.temporary.iterdir())


def test_when_the_warm_process_dies_the_run_goes_on_cold(site: Site) -> None:
    results = only(site.run(play(probe(), probe("kill parent"), probe(), probe("state")), WARM))
    # The second one killed it, and was not run again.
    assert [result.get("failed", False) for result in results] == [False, False, False, False]
    assert [result["warm"] for result in results] == [True, True, False, False]


def test_a_collection_that_is_not_there_is_left_out(site: Site) -> None:
    (result,) = only(site.run(play(probe(), vars={"ansible_warm_collections": ["no.such"]}), WARM))
    assert result["warm"]
    assert result["taken"]


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="no bash")
def test_with_another_shell_of_the_controller(site: Site) -> None:
    tasks = [
        probe("state"),
        probe("state", environment={"A": "a b'c"}),
        probe("SIGKILL"),
        probe("SIGSEGV"),
        probe("run"),
    ]
    bash = {"ansible_shell_executable": "/bin/bash"}
    cold, warm = (
        only(
            # With the prompt that an activated environment exports.
            site.run(play(*tasks, vars=bash), one, ANSIBLE_EXECUTABLE="/bin/bash", PS1="(.venv) $ ", PS2="> ")
        )
        for one in (LOCAL, WARM)
    )
    assert comparable(warm) == comparable(cold)
    assert warm[0]["warm"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user")
def test_another_user_cannot_reach_it(site: Site) -> None:
    (site.directory / "pid").unlink(missing_ok=True)
    with site.start(play(probe("sleep", text=str(site.directory / "pid"))), WARM):
        wait_for((site.directory / "pid").exists)
        (path,) = [path for path in site.temporary.rglob("warm-*") if path.is_socket()]
        attempt = "import socket,sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"
        # The directories above are opened, as a home directory may be, down to the one that ansible-core made.
        opened = [path for path in (path.parents[1], *path.parents[1].parents) if path.stat().st_mode & 0o005 != 0o005]
        modes = {directory: directory.stat().st_mode & 0o7777 for directory in opened}
        for directory in opened:
            directory.chmod(0o755)
        try:
            other = subprocess.run(
                ["/usr/bin/env", "python3", "-c", attempt, path], user=65534, capture_output=True, text=True
            )
            same = subprocess.run([sys.executable, "-c", attempt, path], capture_output=True, text=True)
        finally:
            for directory, mode in modes.items():
                directory.chmod(mode)
        (site.directory / "pid").unlink()
    assert "PermissionError" in other.stderr
    assert same.returncode == 0


def wait_for(condition: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def gone(*pids: int, seconds: float = 12) -> bool:
    """Whether the processes end in time. A zombie has ended; who collects it is the business of the machine's init."""
    end = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def found_in_memory(pid: int, *needles: str) -> list[int] | None:
    """How often they are in the memory of another process; None where the system forbids to look (ptrace(2))."""
    hits = [0] * len(needles)
    try:
        maps = Path(f"/proc/{pid}/maps").read_text()
        with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
            for line in maps.splitlines():
                span, rights = line.split()[:2]
                if not rights.startswith("rw") or "[v" in line:
                    continue
                begin, end = (int(part, 16) for part in span.split("-"))
                memory.seek(begin)
                text = memory.read(end - begin)
                hits = [hit + text.count(needle.encode()) for hit, needle in zip(hits, needles, strict=True)]
    except PermissionError:
        return None
    return hits


def processes() -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            group = (process / "stat").read_text().rsplit(")", 1)[1].split()[2]
        except OSError:
            continue
        yield f"{process.name}\t{group}\t{words}"
