"""What `slipway.aws.warm` leans on inside ansible-core, Python and botocore (docs/adr/0005).

A new version that changes it fails here. Nothing would be wrong then, since the connection falls back to the cold way,
but every run would be slow without a word.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.slipway.aws.plugins.connection import warm
from ansible_collections.slipway.aws.plugins.plugin_utils import warm_interpreter
from ansible_collections.slipway.aws.plugins.plugin_utils.warm_interpreter import Aside, Sources, usable

PROJECT = Path(__file__).parents[3]
PYTHON = "/venv/bin/python"
DASH = ("/bin/sh", "/bin/sh")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is nothing warm elsewhere")


def core(name: str) -> Any:
    return importlib.import_module(f"ansible.{name}")


# --- ansible-core


def test_the_local_connection_has_the_methods_that_are_overridden_or_called() -> None:
    local = core("plugins.connection.local").Connection
    base = core("plugins.connection").ConnectionBase
    assert issubclass(warm.Connection, local)
    assert list(inspect.signature(local.exec_command).parameters) == ["self", "cmd", "in_data", "sudoable"]
    assert warm.Connection.transport == "local"
    # Calling the base's is what connects.
    assert re.search(r"@ensure_connect\s+(@abstractmethod\s+)?def exec_command", inspect.getsource(base))
    mine = {name for name, value in vars(warm.Connection).items() if inspect.isfunction(value)} - {"exec_command"}
    assert not mine & set(dir(local)), "a method of this plug-in hides one of ansible-core"


def test_the_options_of_the_local_connection_are_the_same() -> None:
    theirs = yaml.safe_load(core("plugins.connection.local").DOCUMENTATION)["options"]
    mine = yaml.safe_load(warm.DOCUMENTATION)["options"]
    for name, option in theirs.items():
        for key in ("type", "default", "vars", "env", "ini"):
            assert mine[name].get(key) == option.get(key), (name, key)
    assert all(name in theirs or name.startswith("warm_") for name in mine)


def test_the_local_connection_runs_tasks_in_the_directory_of_the_playbook_by_its_transport() -> None:
    source = inspect.getsource(core("plugins.action").ActionBase._low_level_execute_command)
    assert "self._connection.transport == 'local'" in source
    assert "self._connection.cwd = self._loader.get_basedir()" in source
    assert "cmd = executable + ' -c ' + shlex.quote(cmd)" in source


def test_the_local_connection_starts_a_shell_with_the_environment_of_the_worker() -> None:
    source = inspect.getsource(core("plugins.connection.local").Connection.exec_command)
    assert "shell=isinstance(cmd, (str, bytes))" in source
    assert "executable = C.DEFAULT_EXECUTABLE.split()[0]" in source
    assert "cwd=self.cwd" in source
    assert "env=" not in source
    assert "preexec_fn" not in source


def test_a_worker_is_a_child_of_the_run_and_leads_its_session() -> None:
    source = inspect.getsource(core("executor.process.worker"))
    assert "os.setsid()" in source
    assert "class WorkerProcess(multiprocessing_context.Process)" in source


def test_warnings_of_imports_are_where_they_are_looked_for() -> None:
    registries = vars(core("module_utils.common.warnings"))
    assert {"_global_warnings", "_global_deprecations"} <= set(registries)


def test_the_temporary_directory_of_a_run_is_its_users_alone() -> None:
    directory = Path(core("constants").DEFAULT_LOCAL_TMP)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert directory.stat().st_uid == os.geteuid()


SCRIPT = """
import json, sys
from pathlib import Path
sys.path[:] = [entry for entry in sys.path if entry]
sys.path.append(sys.argv[1])
import importlib.util
spec = importlib.util.spec_from_file_location("interpreter", sys.argv[1])
module = sys.modules["interpreter"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
names, environment = module.preload(module.Sources(Path(sys.argv[2]), {"amazon.aws": Path(sys.argv[3])}))
import os
print(json.dumps({
    "names": sorted(names), "environment": sorted(environment), "core": module.CORE,
    "left": [name for name in sys.modules if module._is_ansible(name)],
    "missing": [name for name in module.LIBRARIES if name not in sys.modules],
    "controller": names["ansible.module_utils._internal"].module.is_controller,
    "hook": "%s.%s" % (sys.path_hooks[0].__module__, sys.path_hooks[0].__qualname__),
    "threads": len(os.listdir("/proc/self/task")),
    "hidden": [
        (name, key) for name, entry in names.items() for key, value in vars(entry.module).items()
        if module.ELSEWHERE in repr(value) and key not in entry.elsewhere and not key.startswith("__")
        and not hasattr(value, "__module__") and not hasattr(value, "__spec__")
    ],
}))
"""


@pytest.fixture(scope="module")
def preloaded() -> dict[str, Any]:
    amazon = importlib.import_module("ansible_collections.amazon.aws")
    words = [
        str(warm_interpreter.__file__),
        str(Path(core("module_utils").__file__).parent),
        str(next(iter(amazon.__path__))),
    ]
    run = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=True, cwd="/")
    told: dict[str, Any] = json.loads(run.stdout)
    return told


def test_everything_that_modules_import_can_be_imported_before(preloaded: dict[str, Any]) -> None:
    assert set(preloaded["core"]) <= set(preloaded["names"])
    assert preloaded["missing"] == []
    assert "ansible_collections.amazon.aws.plugins.module_utils.modules" in preloaded["names"]
    assert "ansible_collections.amazon.aws.plugins.module_utils.s3" in preloaded["names"]


def test_importing_before_leaves_no_trace(preloaded: dict[str, Any]) -> None:
    assert preloaded["left"] == []
    assert preloaded["threads"] == 1
    assert not preloaded["controller"], "module_utils take the warm process for a controller"
    # A module_util keeps the path of the payload where nobody would put the true one in.
    assert preloaded["hidden"] == []


def test_imports_read_nothing_of_the_environment_that_tasks_commonly_set(preloaded: dict[str, Any]) -> None:
    """Whatever is in this set makes a task cold that sets it: "*" would be all of them, PATH most."""
    assert set(preloaded["environment"]) <= {"HOME", "UNIXCONFDIR", "UNIXUSRLIBDIR", "BOTO_DISABLE_CRT"}


# --- Python and botocore


def test_zip_archives_are_imported_by_the_importer_that_is_replaced(preloaded: dict[str, Any]) -> None:
    assert preloaded["hook"] == "zipimport.zipimporter"
    assert callable(importlib.import_module("_imp")._fix_co_filename)
    assert callable(importlib.import_module("threading")._shutdown)
    assert callable(importlib.import_module("atexit")._run_exitfuncs)


def test_botocore_loads_models_by_the_method_that_is_replaced(tmp_path: Path) -> None:
    loaders = importlib.import_module("botocore.loaders")
    loader = loaders.JSONFileLoader
    assert list(inspect.signature(loader.load_file).parameters) == ["self", "file_path"]
    assert "self.file_loader.load_file" in inspect.getsource(loaders.Loader)
    original, models = loader.load_file, warm_interpreter.Models()
    listing = loaders.Loader.list_available_services
    try:
        services = loaders.create_loader().list_available_services("service-2")
        models.install()
        assert loaders.Loader.list_available_services is not listing
        assert loaders.create_loader().list_available_services("service-2") == services
        own = tmp_path / "own-service" / "2020-01-01"
        own.mkdir(parents=True)
        (own / "service-2.json").write_text("{}")
        assert "own-service" in loaders.create_loader(str(tmp_path)).list_available_services("service-2")
        path = os.path.join(loaders.Loader.BUILTIN_DATA_PATH, "sts", "2011-06-15", "service-2")  # noqa: PTH118
        first = loader().load_file(path)
        (tmp_path / "own.json").write_text('{"of": "a user"}')
        assert loader().load_file(str(tmp_path / "own")) == {"of": "a user"}
        models.hear()
        assert list(models._wanted) == [path]
        models.load_one()
        assert loader().load_file(path) == first
        assert loader().load_file(path) is models._parsed[path]
        assert loader().load_file(str(tmp_path / "nothing")) is None
    finally:
        loader.load_file = original
        loaders.Loader.list_available_services = listing
        os.close(models.notes)
        os.close(models._write)


@pytest.mark.parametrize("text", [b"a secret\n", b"/etc/passwd\n", b"/data/../../x\n", b"\xff\n", b"x" * 4000])
def test_only_names_of_models_are_taken_from_a_fork(text: bytes) -> None:
    models = warm_interpreter.Models()
    models._roots = ("/lib/botocore",)
    os.write(models._write, text)
    os.write(models._write, b"\n/lib/botocore/data/ec2/2016-11-15/service-2\n/lib/botocore/data/ec2/../x\n")
    models.hear()
    assert list(models._wanted) == ["/lib/botocore/data/ec2/2016-11-15/service-2"]
    os.close(models.notes)
    os.close(models._write)


def test_a_fork_does_not_write_into_a_file_that_has_the_pipes_number(tmp_path: Path) -> None:
    models = warm_interpreter.Models()
    os.close(models._write)
    with (tmp_path / "file").open("wb") as file:
        os.dup2(file.fileno(), models._write)
        models.tell("/a/name")
    os.close(models._write)
    os.close(models.notes)
    assert (tmp_path / "file").read_bytes() == b""


# --- pure parts


@pytest.mark.parametrize(
    "command",
    [
        "/bin/sh -c 'echo ~'",
        "/bin/sh -c 'cd /x && /venv/bin/python'",
        "/bin/sh -c '/venv/bin/python && sleep 0'",
        "/bin/sh -c '/venv/bin/python -u'",
        "/bin/sh -c '/usr/bin/python3'",
        "/bin/sh -c 'A=$B /venv/bin/python'",
        "/bin/sh -c 'A=`id` /venv/bin/python'",
        '/bin/sh -c "A=1 /venv/bin/python"',
        "/bin/sh -c 'A=1 A=2 /venv/bin/python'",
        "/bin/sh -c '1A=1 /venv/bin/python'",
        "/bin/sh -c 'IFS=x /venv/bin/python'",
        "/bin/sh -c 'PWD=/x /venv/bin/python'",
        "/bin/sh -c 'A=~ /venv/bin/python'",
        "/bin/sh -c '/venv/bin/python'; echo",
        "/bin/zsh -c /venv/bin/python",
        "sudo -H -S -n -u root /bin/sh -c /venv/bin/python",
        "/bin/sh -c 'unbalanced",
        "",
    ],
)
def test_what_is_not_exactly_a_module_is_left_to_the_shell(command: str) -> None:
    with pytest.raises(warm.Unusual):
        warm.plan(command, DASH, PYTHON, {}, "/")


def test_the_environment_of_a_module_is_what_two_shells_make_of_it(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    for inherited in ({}, {"PWD": str(link)}, {"PWD": "/bogus"}, {"PWD": "relative"}, {"B.C": "1", "B": "x\ny"}):
        inner = "A='a b'\"'\"'c' /usr/bin/env"
        command = f"/bin/sh -c {shlex.quote(inner)}"
        planned = warm.plan(command, DASH, "/usr/bin/env", inherited, str(tmp_path))
        real = subprocess.run(
            ["/bin/sh", "-c", command.replace("bin/env'", "bin/env -0'")],
            env=inherited,
            cwd=tmp_path,
            capture_output=True,
            check=True,
        )
        expected = dict(line.split("=", 1) for line in real.stdout.decode().split("\0") if line)
        assert dict(planned.environment) == expected


def entry(source: int, *asked: str) -> Aside:
    return Aside(sys, compile("", "x", "exec"), (source, source), dict.fromkeys(asked))


def test_a_module_is_taken_only_with_all_that_it_imported() -> None:
    a, b, c, d = (f"ansible.module_utils.{name}" for name in "abcd")
    aside = {a: entry(1, b, f"{b}.attribute", "ansible.module_utils"), b: entry(2, c), c: entry(3, a), d: entry(4)}
    same = {a: (1, 1), b: (2, 2), c: (3, 3), d: (4, 4)}
    assert usable(aside, same) == {a, b, c, d}
    assert usable(aside, same | {c: (3, 9)}) == {d}
    assert usable(aside, {a: (1, 1), b: (2, 2), d: (4, 4)}) == {d}, "c would be missed"
    assert usable(aside, same | {f"{b}.attribute": (5, 5)}) == {d}, "what was an attribute is a module"
    assert usable(aside, {}) == frozenset()


def test_an_environment_differs_by_what_was_read() -> None:
    differing = warm_interpreter.differing
    assert differing(frozenset(), {"HOME": "/a"}, {"HOME": "/a", "AWS_REGION": "x"}) is None
    assert differing(frozenset(), {"HOME": "/a"}, {"HOME": "/b"}) == "HOME"
    assert differing(frozenset(), {}, {"PYTHONPATH": "/x"}) == "PYTHONPATH"
    assert differing(frozenset({"X"}), {}, {"X": "1"}) == "X"
    assert differing(frozenset({"*"}), {}, {"ANY": "1"}) == "ANY"


def test_sources_are_module_utils_alone(tmp_path: Path) -> None:
    sources = Sources(Path(core("module_utils").__file__).parent, {"a.b": tmp_path})
    assert sources.find("ansible.module_utils.basic") is not None
    assert sources.find("ansible.constants") is None
    assert sources.find("ansible.module_utils") is None
    assert sources.find("ansible_collections.a.b.plugins.modules.x") is None
    assert sources.find("ansible_collections.other.b.plugins.module_utils.x") is None


def test_the_user_at_the_other_end_is_known() -> None:
    one, other = socket.socketpair(socket.AF_UNIX)
    with one, other:
        assert warm_interpreter.peer_uid(one) == os.geteuid()


def start_from(directory: Path, collections: str) -> None:
    directory.chmod(0o700)
    warm._start(directory, "warm-test", {"HOME": "/"}, collections)


def ask(directory: Path) -> str | None:
    """What is said to somebody who wants a fork."""
    with socket.socket(socket.AF_UNIX) as connection, (directory / "out").open("wb") as out:
        warm._connect(connection, directory, "warm-test")
        connection.settimeout(60)
        return warm_interpreter.offer(connection, {"HOME": "/"}, "/", 0o22, out.fileno(), out.fileno())


def test_a_process_that_dies_while_it_starts_promises_nothing(tmp_path: Path) -> None:
    start_from(tmp_path, "this is no JSON")
    with pytest.raises(OSError, match=r"went away|reset"):
        ask(tmp_path)
    with pytest.raises(ConnectionRefusedError):
        ask(tmp_path)


def test_a_process_that_cannot_be_started_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_words: object, **_options: object) -> None:
        raise OSError("no memory")

    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", refuse)
        with pytest.raises(OSError, match="no memory"):
            start_from(tmp_path, "{}")
    start_from(tmp_path, "{}")
    with pytest.raises(ConnectionRefusedError):
        ask(tmp_path)


def test_ansible_doc_shows_the_connection() -> None:
    run = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-doc")), "--json", "-t", "connection", "slipway.aws.warm"],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / "collections")},
        capture_output=True,
        text=True,
        check=True,
    )
    options = json.loads(run.stdout)["slipway.aws.warm"]["doc"]["options"]
    assert {"pipelining", "warm_collections", "become_success_timeout"} <= set(options)
