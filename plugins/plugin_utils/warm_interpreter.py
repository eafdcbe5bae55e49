"""A Python process that has imported what AWS modules import, and forks once for every module.

It is started by the connection plug-in ``slipway.aws.warm``, once for every run of ``ansible-playbook``, as a program
of its own: this file imports nothing but the standard library, and nothing of the Ansible that controls the run.

**What it keeps.** Third-party packages stay imported as they are. Ansible's ``module_utils`` are imported once too, but
then put aside: a payload (an AnsiballZ zip) brings its own copies, and one is taken from aside only when the zip holds
the same bytes under the same name, and the same is true of everything that it imported. Whatever differs (a module of
``library/``, an overridden module_utils, a newer collection) is executed from the zip, as a cold interpreter would do.
Python's own import system does all that, through a path hook for zip archives: what a payload does not contain cannot
be imported.

**What it never has.** The process accepts, forks and waits. A request (environment, parameters, secrets) is read by the
fork that serves it, which runs one module and ends. Back from a fork come only its exit status and the names of service
models that botocore loaded, which the process then loads too.

**The conversation**, on one stream socket, see :func:`offer` and :func:`converse`::

    client  header: length, JSON {environment, directory, umask}, with the ends of two pipes (stdout, stderr)
    fork    b"R", or b"C" and the reason why this one has to be run cold
    client  payload: length, the program
    parent  exit status of the fork, negative for a signal

Until the last byte of the payload is sent nothing runs, so that whoever gets no b"R" may safely run it in another way.
A client that goes away ends its module: SIGTERM to the process group of the fork, SIGKILL some seconds later.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import fcntl
import fnmatch
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import re
import resource
import select
import signal
import socket
import stat
import struct
import sys
import threading
import time
import zipfile
import zipimport
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from types import CodeType, ModuleType
from typing import Any, ClassVar, NoReturn

#: What the interpreter or its libraries read when they start: who asks for another value gets a cold interpreter.
READ_AT_START = (
    *(
        "PYTHON*",
        "LANG",
        "LANGUAGE",
        "LC_*",
        "LD_*",
        "GLIBC_TUNABLES",
        "MALLOC_*",
        "OPENSSL_*",
        "GCONV_PATH",
        "LOCPATH",
    ),
    *("HOME", "TZ", "TZDIR"),
)
#: Stands for the path of the payload in what is imported before there is one.
ELSEWHERE = "/nonexistent/ansiballz-payload.zip"
#: Between SIGTERM and SIGKILL for a module whose client went away.
GRACE_SECONDS = 5.0

_LENGTH = struct.Struct("!Q")
_STATUS = struct.Struct("!i")
_READY, _COLD = b"R", b"C"

#: Imported by every module, by way of the wrapper around it.
CORE = (
    "ansible.module_utils.basic",
    "ansible.module_utils._internal._ansiballz._loader",
    "ansible.module_utils._internal._ansiballz._respawn",
    "ansible.module_utils._internal._json._profiles._module_legacy_c2m",
    "ansible.module_utils._internal._json._profiles._module_legacy_m2c",
    "ansible.module_utils._internal._json._profiles._module_modern_c2m",
    "ansible.module_utils._internal._json._profiles._module_modern_m2c",
    "ansible.module_utils.common.dict_transformations",
    "ansible.module_utils.common.respawn",
    "ansible.module_utils.urls",
)
#: Imported late: by the wrapper, or by boto3 when it makes its first session and client.
LIBRARIES = (
    *(
        "base64",
        "datetime",
        "hashlib",
        "logging",
        "runpy",
        "shutil",
        "subprocess",
        "tempfile",
        "zipfile",
        "http.client",
    ),
    *("boto3.session", "boto3.resources.factory", "boto3.s3.transfer", "botocore.session", "botocore.client"),
    *("botocore.args", "botocore.auth", "botocore.awsrequest", "botocore.configprovider", "botocore.credentials"),
    *("botocore.docs.docstring", "botocore.endpoint", "botocore.endpoint_provider", "botocore.handlers"),
    *("botocore.httpsession", "botocore.loaders", "botocore.paginate", "botocore.parsers", "botocore.regions"),
    *("botocore.retries.adaptive", "botocore.retries.standard", "botocore.retryhandler", "botocore.serialize"),
    *("botocore.signers", "botocore.tokens", "botocore.useragent", "botocore.waiter"),
    *("dateutil.parser", "dateutil.tz", "jmespath"),
)
#: A service model below the data directory of botocore or boto3, as JSONFileLoader is asked for it.
_MODEL = re.compile(r"/data/([a-z0-9-]{1,60}/\d{4}-\d\d-\d\d/)?[a-z0-9_-]{1,40}")


class UnusableError(Exception):
    """This process cannot promise what a cold interpreter does."""


# --- before there is a payload


@dataclass(frozen=True)
class Sources:
    """Where module_utils lie: ``core`` is ansible/module_utils, ``collections`` has the root of each, as amazon.aws."""

    core: Path
    collections: Mapping[str, Path]

    def find(self, name: str) -> tuple[Path, bool] | None:
        """File of a module of module_utils, and whether it is a package; None for what no payload would contain.

        A directory is a package even if its ``__init__.py`` is not there: payloads have an empty one for it.
        """
        parts = name.split(".")
        if parts[:2] == ["ansible", "module_utils"]:
            base, rest = self.core, parts[2:]
        elif parts[0] == "ansible_collections" and parts[3:5] == ["plugins", "module_utils"]:
            root = self.collections.get(".".join(parts[1:3]))
            if root is None:
                return None
            base, rest = root / "plugins" / "module_utils", parts[5:]
        else:
            return None
        path = base.joinpath(*rest)
        if not rest:
            return None
        if path.is_dir():
            return path / "__init__.py", True
        if path.with_suffix(".py").is_file():
            return path.with_suffix(".py"), False
        return None

    def names(self) -> Iterator[str]:
        """All module_utils of the collections, in the order of their names."""
        for collection, root in sorted(self.collections.items()):
            base = root / "plugins" / "module_utils"
            for path in sorted(base.rglob("*.py")):
                parts = path.relative_to(base).with_suffix("").parts
                if parts[-1] == "__init__":
                    parts = parts[:-1]
                if parts and all(part.isidentifier() for part in parts):
                    yield ".".join(("ansible_collections", collection, "plugins", "module_utils", *parts))


def _is_ansible(name: str) -> bool:
    return name.split(".", 1)[0] in ("ansible", "ansible_collections")


def _is_frame(name: str) -> bool:
    """Packages that every payload makes anew, empty but for their path."""
    parts = name.split(".")
    return name in ("ansible", "ansible.module_utils") or (
        parts[0] == "ansible_collections"
        and (len(parts) < 4 or parts[3:] in (["plugins"], ["plugins", "module_utils"]))
    )


@dataclass
class Aside:
    """A module that was imported before there was a payload."""

    module: ModuleType
    code: CodeType
    #: CRC-32 and size in bytes of the source, as a zip's directory tells them.
    source: tuple[int, int]
    #: Names that it asked to import while it was executed, submodules or attributes alike, in that order.
    asked: dict[str, None] = field(default_factory=dict)
    #: Globals that hold the path of the payload, or __main__.
    elsewhere: list[str] = field(default_factory=list)


class _Preloader(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports module_utils as if they came from the archive ELSEWHERE, and notes what they ask for."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.aside: dict[str, Aside] = {}

    def find_spec(
        self,
        fullname: str,
        path: object = None,  # noqa: ARG002 (the protocol's)
        target: object = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if not _is_ansible(fullname):
            return None
        found = self.sources.find(fullname)
        if found is None and not _is_frame(fullname):
            return None
        package = found is None or found[1]
        name = ELSEWHERE + "/" + fullname.replace(".", "/")
        spec = importlib.machinery.ModuleSpec(
            fullname, self, origin=name + ("/__init__.py" if package else ".py"), is_package=package
        )
        spec.has_location = True
        if package:
            spec.submodule_search_locations = [name]
        return spec

    def is_package(self, fullname: str) -> bool:
        found = self.sources.find(fullname)
        return found is None or found[1]

    def get_source(self, fullname: str) -> str | None:
        found = self.sources.find(fullname)
        return found[0].read_text("utf-8") if found and found[0].is_file() else ""

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__
        found = self.sources.find(name)
        if found is None:
            if name == "ansible":
                # As in a payload: the rest of ansible, where the interpreter has one, can be imported too.
                from pkgutil import extend_path

                module.__path__ = extend_path(module.__path__, name)
            return
        code: CodeType | None
        if found[0].is_file():
            source = found[0].read_bytes()
            code = importlib.machinery.SourceFileLoader(name, str(found[0])).get_code(name)
        else:
            source, code = b"", compile("", str(found[0]), "exec")
        if code is None:
            raise ImportError(f"{name} has no code", name=name)
        entry = Aside(module, code, (zlib.crc32(source), len(source)))
        self.aside[name] = entry
        try:
            exec(code, module.__dict__)  # noqa: S102 (this is what importing a module means)
        except BaseException:
            del self.aside[name]
            raise


@contextlib.contextmanager
def _noting_imports(aside: Mapping[str, Aside]) -> Iterator[None]:
    """Note for every module that is put aside what it asks to import."""
    original = builtins.__import__
    original_by_name = importlib.import_module

    def note(importer: object, name: str, attributes: Sequence[str]) -> None:
        entry = aside.get(str(importer))
        if entry is not None and _is_ansible(name):
            entry.asked.update(dict.fromkeys((name, *(f"{name}.{attribute}" for attribute in attributes))))

    def noting(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        if globals is not None:
            absolute = name
            if level:
                package = str(globals.get("__package__") or "")
                absolute = importlib.util.resolve_name("." * level + name, package) if package else name
            note(globals.get("__name__"), absolute.rstrip("."), fromlist or ())
        return original(name, globals, locals, fromlist or (), level)

    def noting_by_name(name: str, package: str | None = None) -> ModuleType:
        caller = sys._getframe(1).f_globals.get("__name__")
        note(caller, importlib.util.resolve_name(name, package) if name.startswith(".") else name, ())
        return original_by_name(name, package)

    builtins.__import__ = noting
    importlib.import_module = noting_by_name
    try:
        yield
    finally:
        builtins.__import__ = original
        importlib.import_module = original_by_name


@contextlib.contextmanager
def _noting_environment() -> Iterator[set[str]]:
    """Names of environment variables that are read meanwhile; "*" when somebody reads all of them."""
    kind: Any = type(os.environ)
    by_name, by_iteration = kind.__getitem__, kind.__iter__
    names: set[str] = set()

    def getitem(self: Any, key: Any) -> Any:
        names.add(str(key))
        return by_name(self, key)

    def iterate(self: Any) -> Any:
        names.add("*")
        return by_iteration(self)

    kind.__getitem__, kind.__iter__ = getitem, iterate
    try:
        yield names
    finally:
        kind.__getitem__, kind.__iter__ = by_name, by_iteration


def preload(sources: Sources, libraries: Sequence[str] = LIBRARIES) -> tuple[dict[str, Aside], frozenset[str]]:
    """Import what modules import; what cannot be imported is left out. ``(module_utils by name, environment read)``.

    Afterwards nothing of Ansible is in ``sys.modules``.
    """
    import tempfile

    finder = _Preloader(sources)
    with _noting_environment() as environment:
        for name in libraries:
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        sys.meta_path.insert(0, finder)
        try:
            with _noting_imports(finder.aside):
                for name in (*CORE, *sources.names()):
                    _import_unless_it_warns(name, finder.aside)
        finally:
            sys.meta_path.remove(finder)
    for name in [name for name in sys.modules if _is_ansible(name)]:
        del sys.modules[name]
    for name, entry in finder.aside.items():
        # Importing sets them again. Until then `from package import module` has to import the module.
        package, _, last = name.rpartition(".")
        if package in finder.aside and vars(finder.aside[package].module).get(last) is entry.module:
            delattr(finder.aside[package].module, last)
    main = sys.modules["__main__"]
    for entry in finder.aside.values():
        entry.elsewhere = [
            key
            for key, value in vars(entry.module).items()
            if value is main or (isinstance(value, str | PurePath) and ELSEWHERE in str(value))
        ]
    tempfile.tempdir = None
    return finder.aside, frozenset(environment)


def _import_unless_it_warns(name: str, aside: dict[str, Aside]) -> None:
    before = set(sys.modules)
    told = {id(registry): len(registry) for registry in _registries(aside)}
    with contextlib.suppress(Exception):
        importlib.import_module(name)
    registries = [registry for registry in _registries(aside) if len(registry) != told.get(id(registry), 0)]
    if name in sys.modules and not registries:
        return
    for registry in registries:
        registry.clear()
    for new in [new for new in set(sys.modules) - before if _is_ansible(new)]:
        aside.pop(new, None)
        del sys.modules[new]


def _registries(aside: Mapping[str, Aside]) -> list[Any]:
    entry = aside.get("ansible.module_utils.common.warnings")
    if entry is None:
        return []
    return [value for key, value in vars(entry.module).items() if key.startswith("_global_")]


# --- where a payload is


class PayloadImporter(zipimport.zipimporter):
    """Imports from a zip archive; takes from aside what was executed already.

    Found and named by the archive, so that ``__file__`` and ``__path__`` are what they always are.
    """

    aside: ClassVar[Mapping[str, Aside]] = {}
    _members: ClassVar[dict[str, Mapping[str, tuple[int, int]]]] = {}
    _usable: ClassVar[dict[str, frozenset[str]]] = {}

    @classmethod
    def members(cls, archive: str) -> Mapping[str, tuple[int, int]]:
        """CRC-32 and size of the sources in an archive, by the names of the modules."""
        if archive not in cls._members:
            with zipfile.ZipFile(archive) as opened:
                cls._members[archive] = {
                    member.filename.removesuffix(".py").removesuffix("/__init__").replace("/", "."): (
                        member.CRC,
                        member.file_size,
                    )
                    for member in opened.infolist()
                    if member.filename.endswith(".py")
                }
        return cls._members[archive]

    @classmethod
    def usable(cls, archive: str) -> frozenset[str]:
        """Names that were put aside and that this archive could only make again."""
        if archive not in cls._usable:
            cls._usable[archive] = usable(cls.aside, cls.members(archive))
        return cls._usable[archive]

    def get_filename(self, fullname: str) -> str:
        """The same as its base's, which compiles the module to know its name, every time that it is asked."""
        if fullname not in self.members(self.archive):
            return super().get_filename(fullname)
        path = os.path.join(self.archive, *fullname.split("."))  # noqa: PTH118
        return os.path.join(path, "__init__.py") if self.is_package(fullname) else f"{path}.py"  # noqa: PTH118

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:  # type: ignore[override]
        if spec.name not in self.aside or spec.name not in self.usable(self.archive):
            return None
        entry = self.aside[spec.name]
        module = entry.module
        if getattr(module.__spec__, "loader", None).__class__ is PayloadImporter:
            return None  # imported before in this process: make another one, as Python would
        for key in entry.elsewhere:
            value = vars(module).get(key)
            if isinstance(value, PurePath):
                vars(module)[key] = type(value)(str(value).replace(ELSEWHERE, self.archive))
            elif isinstance(value, str):
                vars(module)[key] = value.replace(ELSEWHERE, self.archive)
            elif isinstance(value, ModuleType):
                vars(module)[key] = sys.modules["__main__"]
        # The import system sets what is missing, for the archive.
        for key in ("__spec__", "__loader__", "__file__", "__cached__", "__path__", "__package__"):
            vars(module).pop(key, None)
        if spec.origin is not None:
            _name_the_file(entry.code, spec.origin)
        return module

    def exec_module(self, module: ModuleType) -> None:
        entry = self.aside.get(module.__name__)
        if entry is None or entry.module is not module:
            super().exec_module(module)
            return
        # What executing it has imported at the time.
        for name in entry.asked:
            if name not in sys.modules and name in self.usable(self.archive):
                importlib.import_module(name)


def _name_the_file(code: CodeType, path: str) -> None:
    """Let tracebacks name the payload's file, as for a module that was compiled from it."""
    rename: Callable[[CodeType, str], None] | None = getattr(importlib.import_module("_imp"), "_fix_co_filename", None)
    if rename is not None:
        rename(code, path)


def usable(aside: Mapping[str, Aside], members: Mapping[str, tuple[int, int]]) -> frozenset[str]:
    """Which modules may be taken from aside for an archive with these sources (name → CRC-32 and size). Pure.

    One whose bytes are the same, if everything that it asked for would be found, or missed, in the archive as it was.
    """
    names = {name for name, entry in aside.items() if members.get(name) == entry.source}
    while True:
        spoiled = {
            name
            for name in names
            for asked in aside[name].asked
            if not _is_frame(asked) and (asked in aside or asked in members) and asked not in names
        }
        if not spoiled:
            return frozenset(names)
        names -= spoiled


# --- service models


class Models:
    """Service models of botocore that forks have loaded, kept parsed for the forks to come."""

    def __init__(self) -> None:
        self._parsed: dict[str, Any] = {}
        self._wanted: deque[str] = deque()
        #: Names of services by kind of file and by the directories that have them.
        self._services: dict[tuple[str, frozenset[str]], tuple[str, ...]] = {}
        self._roots: tuple[str, ...] = ()
        self._load: Callable[[Any, str], Any] | None = None
        self._loader: Any = None
        self.notes, end = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        # Out of the way: modules get the low numbers that they would get in an interpreter of their own.
        self._write = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 200)
        os.close(end)
        self._pipe = os.fstat(self._write)

    def install(self) -> None:
        """Stand between botocore and its files. Without botocore, or when it has changed, do nothing."""
        loaders = sys.modules.get("botocore.loaders")
        kind = getattr(loaders, "JSONFileLoader", None)
        load = getattr(kind, "load_file", None)
        if loaders is None or kind is None or load is None:
            return
        self._load, self._loader = load, kind()
        files = (getattr(sys.modules.get(name), "__file__", None) for name in ("botocore", "boto3"))
        self._roots = tuple(os.path.dirname(file) for file in files if file)  # noqa: PTH120
        models = self

        def load_file(self: Any, file_path: str) -> Any:
            if file_path in models._parsed:
                return models._parsed[file_path]
            data = load(self, file_path)
            if data is not None and models.knows(file_path):
                models.tell(file_path)
            return data

        kind.load_file = load_file
        self._install_lists(loaders)

    def _install_lists(self, loaders: ModuleType) -> None:
        """Let a loader know the services of botocore and boto3 without a look into a thousand directories."""
        kind = getattr(loaders, "Loader", None)
        listing = getattr(kind, "list_available_services", None)
        if kind is None or listing is None:
            return
        roots = [os.path.join(root, "data") for root in self._roots]  # noqa: PTH118
        for paths in (roots[:1], roots):
            loader = kind(extra_search_paths=list(paths), include_default_search_paths=False)
            for name in ("service-2", "resources-1", "paginators-1", "waiters-2"):
                self._services[name, frozenset(paths)] = tuple(loader.list_available_services(name))
        services = self._services

        def list_available_services(self: Any, type_name: str) -> list[str]:
            present = frozenset(path for path in self.search_paths if os.path.isdir(path))  # noqa: PTH112
            known = services.get((type_name, present))
            return list(listing(self, type_name)) if known is None else list(known)

        kind.list_available_services = list_available_services

    def knows(self, path: str) -> bool:
        """Whether this is a file of botocore's or boto3's own data."""
        return any(path.startswith(root) and _MODEL.fullmatch(path[len(root) :]) for root in self._roots)

    def tell(self, path: str) -> None:
        """In a fork: tell the parent. A module may have closed the pipe and opened something else under its number."""
        with contextlib.suppress(OSError):
            now = os.fstat(self._write)
            if stat.S_ISFIFO(now.st_mode) and (now.st_dev, now.st_ino) == (self._pipe.st_dev, self._pipe.st_ino):
                os.write(self._write, os.fsencode(path) + b"\n")

    def hear(self) -> None:
        """In the parent: take notice of what forks have loaded."""
        with contextlib.suppress(BlockingIOError):
            for line in os.read(self.notes, select.PIPE_BUF * 16).splitlines():
                path = os.fsdecode(line)
                if self.knows(path) and path not in self._parsed and path not in self._wanted:
                    self._wanted.append(path)

    @property
    def wanted(self) -> bool:
        return bool(self._wanted)

    def load_one(self) -> None:
        """In the parent, when it has nothing else to do."""
        path = self._wanted.popleft()
        if self._load is not None:
            with contextlib.suppress(Exception):
                data = self._load(self._loader, path)
                if data is not None:
                    self._parsed[path] = data
                    gc.freeze()


# --- the client's side


def offer(
    connection: socket.socket, environment: Mapping[str, str], directory: str, umask: int, stdout: int, stderr: int
) -> str | None:
    """Ask for a fork. None when it waits for its program, else the reason why this one has to be run cold.

    Raises OSError when there is no answer.
    """
    header = json.dumps({"environment": dict(environment), "directory": directory, "umask": umask}).encode()
    socket.send_fds(connection, [_LENGTH.pack(len(header))], [stdout, stderr])
    connection.sendall(header)
    answer = connection.recv(1)
    if answer == _READY:
        return None
    if answer == _COLD:
        return connection.recv(1000).decode(errors="replace")
    raise ConnectionError("the warm interpreter went away")


def converse(connection: socket.socket, program: bytes, stdout: int, stderr: int) -> tuple[int | None, bytes, bytes]:
    """Have the program run: exit status (negative for a signal, None when it got lost), stdout and stderr.

    Raises ConnectionError when the program was not run because the fork was gone.
    """
    connection.sendall(_LENGTH.pack(len(program)))
    connection.sendall(program)
    output: dict[int, list[bytes]] = {stdout: [], stderr: []}
    poll = select.poll()
    for descriptor in output:
        poll.register(descriptor, select.POLLIN)
    waiting = set(output)
    while waiting:
        for descriptor, _event in poll.poll():
            if chunk := os.read(descriptor, 1 << 16):
                output[descriptor].append(chunk)
            else:
                poll.unregister(descriptor)
                waiting.discard(descriptor)
    status: int | None = None
    with contextlib.suppress(OSError):
        raw = _receive(connection, _STATUS.size)
        status = _STATUS.unpack(raw)[0] if raw is not None else None
    return status, b"".join(output[stdout]), b"".join(output[stderr])


def _receive(connection: socket.socket, size: int) -> bytes | None:
    """Exactly ``size`` bytes; None when the other side ended before."""
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        count = connection.recv_into(view[got:])
        if not count:
            return None
        got += count
    return bytes(buffer)


def peer_uid(connection: socket.socket) -> int:
    """The user at the other end of a Unix socket (socket(7), SO_PEERCRED)."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])


# --- the fork


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a variable is named by one of the patterns. Pure."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def differing(names: frozenset[str], mine: Mapping[str, str], asked: Mapping[str, str]) -> str | None:
    """Name of a variable that was read before the request came and is another one in it. Pure."""
    for name in sorted(mine.keys() | asked.keys()):
        read = name in names or "*" in names or matches(name, READ_AT_START)
        if read and mine.get(name) != asked.get(name):
            return name
    return None


def _serve(connection: socket.socket, started_with: Mapping[str, str], read: frozenset[str]) -> NoReturn:
    """Read one request and be the interpreter that runs it.

    The interpreter is not the leader of its session, as it is not when a shell starts it: it may call setsid().
    """
    os.setsid()
    pid = os.fork()
    if pid:
        connection.close()
        _end_like(pid)
    first, descriptors, _flags, _address = socket.recv_fds(connection, _LENGTH.size, 2)
    if len(descriptors) != 2:
        os._exit(1)
    rest = _receive(connection, _LENGTH.size - len(first))
    raw = None if rest is None else _receive(connection, _LENGTH.unpack(first + rest)[0])
    if raw is None:
        os._exit(1)
    header = json.loads(raw)
    reason = None
    if name := differing(read, started_with, header["environment"]):
        reason = f"{name} is another one than when it started"
    else:
        try:
            os.chdir(header["directory"])
        except OSError as error:
            reason = str(error)
    if reason is not None:
        connection.sendall(_COLD + reason.encode(errors="replace")[:900])
        os._exit(1)
    os.umask(header["umask"])
    os.environ.clear()
    os.environ.update(header["environment"])
    time.tzset()
    connection.sendall(_READY)
    size = _receive(connection, _LENGTH.size)
    program = None if size is None else _receive(connection, _LENGTH.unpack(size)[0])
    if program is None:
        os._exit(1)
    connection.close()
    del header, raw
    # A cold interpreter has read its program from the pipe before the program begins: what is left is the file's end.
    standard_input, closed = os.pipe()
    os.close(closed)
    for number, descriptor in enumerate((standard_input, *descriptors)):
        os.dup2(descriptor, number)
    for descriptor in (standard_input, *descriptors):
        os.close(descriptor)
    _be_the_interpreter(program)


def _end_like(pid: int) -> NoReturn:
    """Wait for a process and end as it does. What ends the whole group is for the other process to obey."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [-status])
        with contextlib.suppress(OSError):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status & 0xFF)


def _be_the_interpreter(program: bytes) -> NoReturn:
    """Run a program as ``python < program`` would, and end as it would (Python: Py_RunMain, Py_FinalizeEx)."""
    main = sys.modules["__main__"]
    vars(main).clear()
    vars(main).update(
        __name__="__main__", __doc__=None, __package__=None, __spec__=None, __builtins__=builtins,
        __loader__=importlib.machinery.BuiltinImporter,
    )  # fmt: skip
    sys.argv[:] = [""]
    sys.orig_argv[:] = [sys.executable]
    sys.path.insert(0, "")
    sys.path_importer_cache.clear()
    gc.enable()
    status = 0
    try:
        exec(compile(program, "<stdin>", "exec", dont_inherit=True), vars(main))  # noqa: S102 (its purpose)
    except SystemExit as end:
        status = _status_of(end)
    except BaseException as error:
        # Without this function's own frame.
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        status = 1
        if isinstance(error, KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            _flush()
            os.kill(os.getpid(), signal.SIGINT)
    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]  # waits for threads, as multiprocessing's forks do
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    if not _flush():
        status = 120
    vars(main).clear()
    os._exit(status & 0xFF)


def _status_of(end: SystemExit) -> int:
    if end.code is None:
        return 0
    if isinstance(end.code, int):
        return end.code
    _flush()
    with contextlib.suppress(Exception):
        print(end.code, file=sys.stderr)
    return 1


def _flush() -> bool:
    good = True
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except Exception:
            good = False
    return good


# --- the parent


@dataclass
class Job:
    """A running fork."""

    pid: int
    connection: socket.socket
    #: time.monotonic() at which it is killed, once its client has gone.
    deadline: float | None = None


class Parent:
    """Accepts, forks, waits; until the process behind ``controller`` (a pidfd) has ended."""

    def __init__(self, listener: socket.socket, controller: int) -> None:
        self.listener = listener
        self.controller = controller
        self.models = Models()
        self.jobs: dict[int, Job] = {}
        self.clients: dict[int, Job] = {}
        self.poll = select.poll()

    def run(self, started_with: Mapping[str, str], read: frozenset[str]) -> None:
        """Serve. Returns when the controller has ended and no module is left."""
        self.models.install()
        gc.collect()
        gc.freeze()
        for descriptor in (self.listener.fileno(), self.controller, self.models.notes):
            self.poll.register(descriptor, select.POLLIN)
        while True:
            for descriptor, _event in self.poll.poll(self._patience()):
                if descriptor == self.controller:
                    self._end()
                    return
                if descriptor == self.models.notes:
                    self.models.hear()
                elif descriptor in self.jobs:
                    self._ended(descriptor)
                elif descriptor in self.clients:
                    self._deserted(descriptor)
                elif descriptor == self.listener.fileno():
                    self._accept(started_with, read)
            self._kill_late()
            if self.models.wanted and not self.poll.poll(0):
                self.models.load_one()

    def _patience(self) -> float | None:
        """Milliseconds until there is something to do without an event."""
        if self.models.wanted:
            return 0
        deadlines = [job.deadline for job in self.jobs.values() if job.deadline is not None]
        return max(0.0, min(deadlines) - time.monotonic()) * 1000 + 1 if deadlines else None

    def _accept(self, started_with: Mapping[str, str], read: frozenset[str]) -> None:
        connection, _address = self.listener.accept()
        if peer_uid(connection) != os.geteuid():
            connection.close()
            return
        try:
            pid = os.fork()
        except OSError:
            connection.close()  # whoever asked runs its module in the cold way
            return
        if pid == 0:
            try:
                self.listener.close()
                for descriptor, job in self.jobs.items():
                    os.close(descriptor)
                    job.connection.close()
                os.close(self.controller)
                os.close(self.models.notes)
                _serve(connection, started_with, read)
            finally:
                os._exit(1)
        job = Job(pid, connection)
        descriptor = os.pidfd_open(pid)
        self.jobs[descriptor] = job
        self.clients[connection.fileno()] = job
        self.poll.register(descriptor, select.POLLIN)
        # The fork reads from this connection; here only its end is of interest.
        self.poll.register(connection.fileno(), 0)

    def _ended(self, descriptor: int) -> None:
        job = self.jobs.pop(descriptor)
        self.poll.unregister(descriptor)
        os.close(descriptor)
        status = os.waitstatus_to_exitcode(os.waitpid(job.pid, 0)[1])
        self._forget_client(job)
        with contextlib.suppress(OSError):
            job.connection.settimeout(1)
            job.connection.sendall(_STATUS.pack(status))
        job.connection.close()

    def _forget_client(self, job: Job) -> None:
        number = job.connection.fileno()
        if self.clients.pop(number, None):
            self.poll.unregister(number)

    def _deserted(self, number: int) -> None:
        job = self.clients[number]
        self._forget_client(job)
        job.deadline = time.monotonic() + GRACE_SECONDS
        self._signal(job, signal.SIGTERM)

    def _signal(self, job: Job, number: signal.Signals) -> None:
        try:
            os.killpg(job.pid, number)
        except OSError:
            with contextlib.suppress(OSError):
                os.kill(job.pid, number)

    def _kill_late(self) -> None:
        now = time.monotonic()
        for job in self.jobs.values():
            if job.deadline is not None and job.deadline <= now:
                job.deadline = now + GRACE_SECONDS
                self._signal(job, signal.SIGKILL)

    def _end(self) -> None:
        """Nobody is left to ask for a module: end those that run."""
        self.listener.close()
        for job in self.jobs.values():
            self._signal(job, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        for descriptor, job in self.jobs.items():
            ended = select.poll()
            ended.register(descriptor, select.POLLIN)
            if not ended.poll(max(0.0, deadline - time.monotonic()) * 1000):
                self._signal(job, signal.SIGKILL)


def main(listener: int, controller: int, files: Sequence[str], executable: str, core: str, collections: str) -> None:
    """Run the process. ``listener`` and ``controller`` are inherited descriptors, ``files`` are removed at the end.

    ``collections`` is JSON: names of collections and their directories.
    """
    started_with = dict(os.environ)
    sys.path[:] = [entry for entry in sys.path if entry]
    gc.disable()
    with socket.socket(fileno=listener) as server:
        if sys.executable != executable:
            raise UnusableError(f"{sys.executable} is not {executable}")
        roots = {name: Path(path) for name, path in json.loads(collections).items()}
        PayloadImporter.aside, read = preload(Sources(Path(core), roots))
        if threading.active_count() != 1 or len(os.listdir("/proc/self/task")) != 1:  # noqa: PTH208
            raise UnusableError("an import has started a thread, which no fork would have")
        if sys.path_hooks[:1] != [zipimport.zipimporter]:
            raise UnusableError("zip archives are not what Python imports from first")
        sys.path_hooks[0] = PayloadImporter
        sys.path_importer_cache.clear()
        Parent(server, controller).run(started_with, read)
    for file in files:
        with contextlib.suppress(OSError):
            Path(file).unlink()
