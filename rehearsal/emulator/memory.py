"""The account survives the death of its process.

Half a second after the last change (three seconds while changes do not end) all of moto's backends are written to
`<state>/account.pickle`, and the contents of S3 objects, which are large and never change, once each to
`<state>/objects/<sha256>`. Each file is written aside, synchronized and renamed, so that a kill at any moment leaves
the last complete account. What changed in the half second before a kill is lost.

A pickle can run code when it is read: the file is private to its owner, and any other is refused.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import logging
import os
import pickle
import platform
import stat
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast
from weakref import WeakValueDictionary

import moto
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import Certificate, load_pem_x509_certificate
from moto.backends import get_backend
from moto.core.base_backend import AccountSpecificBackend, BackendDict
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.s3.models import FakeKey, s3_backends

from rehearsal.emulator import account

log = logging.getLogger(__name__)

#: Raised when a correction stores something in another form, so that an older account is refused, not misread.
FORMAT = 1
_QUIET_SECONDS = 0.5
_PATIENCE_SECONDS = 3.0


class MemoryUnusableError(Exception):
    """The remembered account cannot be used; the text says why and what to do, for a person."""


class Memory:
    """The remembered account in the directory `state`, which is made when it is missing."""

    def __init__(self, state: Path) -> None:
        self.path = state / "account.pickle"
        self._objects = state / "objects"
        self._dirty = threading.Event()
        self._stopping = threading.Event()
        self._last_change = 0.0
        self._thread: threading.Thread | None = None
        self._writing = threading.Lock()

    # -- reading -------------------------------------------------------------------------------------------

    def restore(self) -> bool:
        """Put the remembered account in the place of the present one; False when there is none yet.

        Raises MemoryUnusableError when it is another version's, damaged, unreadable or not private.
        """
        forget()
        if not self.path.exists():
            return False
        self._check_owner()
        try:
            with self.path.open("rb") as file:
                header = _header(file.readline())
                payload = file.read()
        except OSError as error:
            raise MemoryUnusableError(f"{self.path} cannot be read: {error.strerror}.") from error
        self._check(header, payload)
        try:
            with account.LOCK:
                for service, account_id, region, backend in _Reader(io.BytesIO(payload), self._objects).load():
                    _backends(service)[account_id][region] = backend
                _know_the_buckets()
        except MemoryUnusableError:
            forget()
            raise
        except Exception as error:
            forget()
            raise MemoryUnusableError(
                f"{self.path} does not fit this version of the rehearsal ({type(error).__name__}: {error}). {_REMEDY}"
            ) from error
        return True

    def _check_owner(self) -> None:
        status = self.path.stat()
        if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
            raise MemoryUnusableError(
                f"{self.path} does not belong to the present user alone; reading it could run foreign code. {_REMEDY}"
            )

    def _check(self, header: dict[str, Any], payload: bytes) -> None:
        for name, own in _versions().items():
            if header.get(name) != own:
                raise MemoryUnusableError(
                    f"{self.path} was written with {name} {header.get(name)}, this is {name} {own}. {_REMEDY}"
                )
        if hashlib.sha256(payload).hexdigest() != header.get("sha256"):
            raise MemoryUnusableError(f"{self.path} is damaged. {_REMEDY}")

    # -- writing -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Write from now on after each change."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="emulator-memory", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is not written yet, and no more."""
        if self._thread is None:
            return
        self._stopping.set()
        self._dirty.set()
        self._thread.join()
        self._thread = None
        self.write()

    def changed(self, _service: str, _action: str) -> None:
        """A listener of the account."""
        self._last_change = time.monotonic()
        self._dirty.set()

    def _run(self) -> None:
        while True:
            self._dirty.wait()
            first = time.monotonic()
            while not self._stopping.is_set():
                now = time.monotonic()
                wait = min(self._last_change + _QUIET_SECONDS, first + _PATIENCE_SECONDS) - now
                if wait <= 0:
                    break
                self._stopping.wait(wait)
            if self._stopping.is_set():
                return
            self._dirty.clear()
            try:
                self.write()
            except Exception:
                # The next change tries again; the last complete account stays where it is.
                log.exception("the account could not be written to %s", self.path)

    def write(self) -> None:
        """Write the account now.

        Raises OSError when the disk is full or the directory is not writable.
        """
        with self._writing:
            self._objects.mkdir(parents=True, exist_ok=True, mode=0o700)
            buffer = io.BytesIO()
            writer = _Writer(buffer, self._objects)
            with account.LOCK:
                writer.dump(list(_everything()))
            payload = buffer.getvalue()
            header = {**_versions(), "sha256": hashlib.sha256(payload).hexdigest()}
            _write_file(self.path, json.dumps(header).encode() + b"\n" + payload)
            for file in self._objects.iterdir():
                if file.name not in writer.bodies:
                    file.unlink(missing_ok=True)


_REMEDY = "Remove it (and with it the rehearsed account) to start with an empty one."


def forget() -> None:
    """Empty all backends of this process."""
    with account.LOCK:
        for backends in list(_instances()):
            for of_account in backends.values():
                dict.clear(of_account)
            dict.clear(backends)
        _instances().clear()
        _know_the_buckets()


def _know_the_buckets() -> None:
    """moto keeps beside its backends whose each bucket is: no two of a name are made, and one is found by anybody."""
    s3_backends.bucket_accounts.clear()
    for account_id, of_account in s3_backends.items():
        for partition, backend in of_account.items():
            s3_backends.bucket_accounts.update(dict.fromkeys(backend.buckets, (partition, account_id)))


def _instances() -> list[BackendDict[Any]]:
    """moto's list of all dictionaries of backends that are in use."""
    found: list[BackendDict[Any]] = vars(BackendDict)["_instances"]
    return found


def _versions() -> dict[str, Any]:
    return {
        "format": FORMAT,
        "moto": moto.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }


def _header(line: bytes) -> dict[str, Any]:
    try:
        header = json.loads(line)
    except ValueError:
        return {}
    return header if isinstance(header, dict) else {}


def _backends(service: str) -> Any:
    return get_backend(service)  # type: ignore[call-overload]


def _everything() -> Iterator[tuple[str, str, str, Any]]:
    for backends in _instances():
        service = _service_of(backends)
        for account_id, of_account in backends.items():
            for region, backend in of_account.items():
                yield service, account_id, region, backend


def _service_of(backends: BackendDict[Any]) -> str:
    """The name by which moto finds the backends again: its package, unless get_backend knows another one."""
    return str(backends.backend.__module__.split(".")[1])


def _write_file(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


# -- what pickle cannot do by itself -----------------------------------------------------------------------


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, objects: Path) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._objects = objects
        self.bodies: set[str] = set()

    def persistent_id(self, obj: Any) -> tuple[str, ...] | None:
        # The dictionaries of backends are moto's own; only what they hold is ours to remember.
        if isinstance(obj, BackendDict):
            return ("service", _service_of(obj))
        if isinstance(obj, AccountSpecificBackend):
            return ("account", str(obj.backend.__module__.split(".")[1]), obj.account_id)
        return None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, FakeKey):
            return _restore_key, (type(obj), self._body(obj)), _key_state(obj), None, None, _set_key_state
        if isinstance(obj, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            return _load_private_key, (_pem(obj),)
        if isinstance(obj, Certificate):
            return _load_certificate, (obj.public_bytes(serialization.Encoding.PEM),)
        if isinstance(obj, defaultdict):
            # pickle would call a subclass with the factory alone, where moto's want more; and it names functions, which
            # one that was made on the spot has not.
            factory, state = _nameable(obj.default_factory), getattr(obj, "__dict__", None) or None
            return _new_defaultdict, (type(obj), factory), state, None, iter(obj.items())
        if isinstance(obj, ResourceGroupsTaggingAPIBackend):
            # Of a list that somebody has read in part it holds the rest, being made. Whoever goes on with it later is
            # told that it is too late, as he may be on AWS.
            make, arguments, state = cast("tuple[Any, ...]", obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL))[:3]
            return make, arguments, {**state, "_pages": {}}
        if isinstance(obj, WeakValueDictionary):
            # Lambda's index of its functions, which are held, and written, elsewhere.
            return WeakValueDictionary, (dict(obj),)
        for kind, new in _LOCKS.items():
            if type(obj) is kind:
                return new, ()
        return NotImplemented

    def _body(self, key: FakeKey) -> str:
        digest = key.__dict__.get(_DIGEST)
        if digest is None or not (self._objects / digest).exists():
            try:
                content = key.value
            except ValueError:
                content = b""  # a deleted key whose buffer is closed already
            digest = hashlib.sha256(content).hexdigest()
            key.__dict__[_DIGEST] = digest
            if not (self._objects / digest).exists():
                _write_file(self._objects / digest, content)
        self.bodies.add(digest)
        return str(digest)


#: The content's digest, kept with an object of S3 so that it is computed once; corrections.s3 drops it on a change.
_DIGEST = "slipway_body_digest"


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load_private_key(pem: bytes) -> Any:
    return serialization.load_pem_private_key(pem, None)


#: A lock that is held while the account is written down belongs to nobody afterwards.
_LOCKS: dict[type, Any] = {
    type(threading.Lock()): threading.Lock,
    type(threading.RLock()): threading.RLock,
    threading.Condition: threading.Condition,
    threading.Event: threading.Event,
}


class _CopyOf:
    """Makes copies of what a nameless factory made once."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __call__(self) -> Any:
        return copy.deepcopy(self._value)


def _nameable(factory: Any) -> Any:
    return _CopyOf(factory()) if "<lambda>" in getattr(factory, "__qualname__", "") else factory


def _new_defaultdict(kind: type[defaultdict[Any, Any]], factory: Any) -> defaultdict[Any, Any]:
    new = kind.__new__(kind)
    new.default_factory = factory
    return new


def _load_certificate(pem: bytes) -> Certificate:
    # cryptography's own function lives in a module that pickle cannot name.
    return load_pem_x509_certificate(pem)


def _key_state(key: FakeKey) -> dict[str, Any]:
    return {name: value for name, value in key.__dict__.items() if name not in ("_value_buffer", "lock")}


def _set_key_state(key: FakeKey, state: dict[str, Any]) -> None:
    # moto's own __setstate__ expects the content among the state.
    key.__dict__.update(state)


def _restore_key(cls: type[FakeKey], digest: str) -> FakeKey:
    """Make an S3 object; the reader fills in its content after its state."""
    key = object.__new__(cls)
    key.__dict__[_DIGEST] = digest
    return key


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, objects: Path) -> None:
        super().__init__(file)
        self._objects = objects
        self._keys: list[FakeKey] = []

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) == (__name__, "_restore_key"):
            return self._make_key
        return super().find_class(module, name)

    def persistent_load(self, pid: tuple[str, ...]) -> Any:
        backends = _backends(pid[1])
        return backends if pid[0] == "service" else backends[pid[2]]

    def _make_key(self, cls: type[FakeKey], digest: str) -> FakeKey:
        key = _restore_key(cls, digest)
        self._keys.append(_with_content(key, self._read(digest)))
        return key

    def _read(self, digest: str) -> bytes:
        try:
            content = (self._objects / digest).read_bytes()
        except OSError as error:
            raise MemoryUnusableError(
                f"The content {digest} of an S3 object is missing in {self._objects}. {_REMEDY}"
            ) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise MemoryUnusableError(f"{self._objects / digest} is damaged. {_REMEDY}")
        return content


def _with_content(key: FakeKey, content: bytes) -> FakeKey:
    import tempfile

    buffer = tempfile.SpooledTemporaryFile(max_size=5 * 1024 * 1024)  # noqa: SIM115 (it lives as long as the object)
    buffer.write(content)
    key.__dict__["_value_buffer"] = buffer
    key.__dict__["lock"] = threading.Lock()
    return key
