"""The account's API on HTTP addresses of this machine.

One process runs all of it: threads answer requests, one lock keeps them from each other's way. While nothing
happens, nothing runs.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import moto
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from rehearsal.emulator import account, authorization, corrections
from rehearsal.emulator.api_request import ApiRequest, Environ, buffer_body, parse
from rehearsal.emulator.authorization import Refusal
from rehearsal.emulator.clock import Clock
from rehearsal.emulator.corrections import sns
from rehearsal.emulator.idempotency import Answer, Answers
from rehearsal.emulator.memory import Memory, forget

log = logging.getLogger(__name__)

#: From <linux/in.h>; Python's socket module does not name it.
_IP_FREEBIND = 15
#: A kept-alive connection holds a thread; a silent one is let go.
_IDLE_SECONDS = 60.0
_HEALTH_PATH = "/moto-api/"

#: What is logged of a request that nobody can answer: its service, its action, moto's words.
NOT_IMPLEMENTED = "%s:%s is not implemented: %s"

StartResponse = Callable[..., Any]
#: Is told every request that was understood, before it is answered; many threads call it.
Witness = Callable[[ApiRequest], None]
WsgiApplication = Callable[[Environ, StartResponse], Iterable[bytes]]
#: Stands between the wire and the account: tests let it break what real networks break.
Middleware = Callable[[WsgiApplication], WsgiApplication]


class _Handler(MotoRequestHandler):
    """Keeps connections open between requests, and keeps quiet."""

    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS

    def handle_expect_100(self) -> bool:
        # werkzeug answers `Expect: 100-continue` itself; two answers would confuse the client.
        return True

    def log(self, type: str, message: str, *args: Any) -> None:
        log.log(logging.DEBUG if type == "info" else logging.WARNING, message, *args)


class Application:
    """The WSGI application: health, authorization, moto, and the news of what changed."""

    def __init__(self, witness: Witness | None = None) -> None:
        self._moto = DomainDispatcherApplication(_backend_application)
        self._witness = witness
        self._answers = Answers()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/moto-api"):
            return _health(environ, start_response)
        if path.startswith(("/latest/meta-data", "/latest/api", "/latest/dynamic")):
            # moto hands out credentials here to anybody; the data plane has a metadata service of its own.
            return _answer(start_response, Refusal("404 Not Found", b"not found\n", "text/plain"))
        if (pem := sns.certificate(path)) is not None:
            return _answer(start_response, Refusal("200 OK", pem, "application/x-pem-file"))
        request = ApiRequest(service="", region="", action="")
        try:
            buffer_body(environ)
            request = parse(environ)
            if self._witness is not None:
                self._witness(request)
            with account.LOCK:
                refusal = authorization.refuse(request)
                if refusal is not None:
                    return _answer(start_response, refusal)
                if request.service == "sns" and request.credential is None:
                    # moto finds a service by the scope of a signature, and a link has none.
                    environ["HTTP_AUTHORIZATION"] = (
                        f"AWS4-HMAC-SHA256 Credential=-/-/{request.region}/sns/aws4_request, "
                    )
                answer = self._answers.once(request, lambda: self._ask_moto(environ))
            start_response(answer.status, list(answer.headers))
        except NotImplementedError as error:
            log.warning(NOT_IMPLEMENTED, request.service, request.action, error)
            text = f"The rehearsal has no {request.service}:{request.action} ({error})"
            return _answer(start_response, authorization.error_response(request, 501, "NotImplemented", text))
        except Exception as error:
            log.exception("%s:%s failed", request.service, request.action)
            text = f"{type(error).__name__}: {error}"
            return _answer(start_response, authorization.error_response(request, 500, "InternalFailure", text))
        if answer.status.startswith(("2", "3")) and _changes(request, environ):
            account.announce(request.service, request.action)
        return answer.body

    def _ask_moto(self, environ: Environ) -> Answer:
        status, sent = "", list[tuple[str, str]]()

        def remember(line: str, headers: list[tuple[str, str]], *_: Any) -> Any:
            nonlocal status, sent
            status, sent = line, headers
            return lambda _: None

        response = self._moto(environ, remember)
        # Everything is read while the lock is held: some of moto's answers are generators over its dictionaries.
        chunks = list(response)
        close = getattr(response, "close", None)
        if close is not None:
            close()
        return Answer(status, sent, chunks)


def _backend_application(service: Any) -> Any:
    """moto's application for a service; without a name for one it has not got."""
    if service is None:
        raise NotImplementedError("nothing of this service")
    return create_backend_app(service)


def _changes(request: ApiRequest, environ: Environ) -> bool:
    if not request.action:
        return str(environ.get("REQUEST_METHOD")) not in ("GET", "HEAD", "OPTIONS")
    return request.changes_something


def _health(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    if environ.get("PATH_INFO") != _HEALTH_PATH or environ.get("REQUEST_METHOD") not in ("GET", "HEAD"):
        # moto would let anybody reset the account here.
        return _answer(start_response, Refusal("404 Not Found", b"not found\n", "text/plain"))
    body = json.dumps({"status": "running", "moto": moto.__version__}).encode() + b"\n"
    return _answer(start_response, Refusal("200 OK", body, "application/json"))


def _answer(start_response: StartResponse, answer: Refusal) -> Iterable[bytes]:
    headers = [("Content-Type", answer.content_type), ("Content-Length", str(len(answer.body))), *answer.headers]
    start_response(answer.status, headers)
    return [answer.body]


def _bound_socket(address: str, port: int) -> socket.socket:
    """A listening socket, also for an address that this machine gets later (the bridge of a VPC to be).

    Raises OSError when the port is taken.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
        listener.bind((address, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


class Emulator:
    """The emulated account of one rehearsal.

    `port` 0 takes a free one. `state` is the directory of its memory; without one it forgets everything.
    `on_change(service, action)` is called after each request that may have changed the account, and after each word
    through the back channel; `witness(request)` before each request is answered, refused ones included; both must
    return quickly. `middleware` is put around the whole. moto keeps its backends in its modules, so a process can run
    one emulator at a time.
    """

    def __init__(
        self,
        port: int,
        host_addresses: Sequence[str] = ("127.0.0.1",),
        *,
        state: Path | None = None,
        data_plane: bool = False,
        on_change: account.Listener | None = None,
        witness: Witness | None = None,
        middleware: Middleware | None = None,
    ) -> None:
        self._port = port
        self._addresses = list(host_addresses)
        self._memory = Memory(state) if state is not None else None
        self._data_plane = data_plane
        self._on_change = on_change
        self._witness = witness
        self._middleware = middleware
        self._clock = Clock()
        self._servers: dict[str, tuple[BaseWSGIServer, threading.Thread]] = {}
        self._application: WsgiApplication | None = None

    @property
    def port(self) -> int:
        """The port in use; the one asked for before `start`."""
        return self._port

    @property
    def endpoint(self) -> str:
        """The URL of the first address."""
        return f"http://{self._addresses[0]}:{self._port}"

    def start(self) -> None:
        """Remember the account, and listen.

        Raises OSError when the port is taken, and what `Memory.restore` raises when the memory cannot be used; the
        account of another emulator in this process is then untouched in the first case.
        """
        listeners: list[socket.socket] = []
        try:
            for address in self._addresses:
                listeners.append(_bound_socket(address, self._port))
                self._port = listeners[-1].getsockname()[1]
            self._wake()
        except BaseException:
            for listener in listeners:
                listener.close()
            raise
        for address, listener in zip(self._addresses, listeners, strict=True):
            self._serve(address, listener)

    def _wake(self) -> None:
        # moto warns of errors that its copy of a service's model does not list; AWS has such errors.
        warnings.filterwarnings("ignore", message=r"Exception\(.*does not match an error shape")
        corrections.apply()
        account.data_plane.attached = self._data_plane
        if self._memory is None:
            forget()
        else:
            self._memory.restore()
        authorization.create_operator()
        application = Application(self._witness)
        self._application = application if self._middleware is None else self._middleware(application)
        account.add_listener(self._tell)
        account.add_listener(self._clock.changed)
        self._clock.start()
        if self._memory is not None:
            account.add_listener(self._memory.changed)
            self._memory.start()

    def _tell(self, service: str, action: str) -> None:
        # A new session of a role is worth remembering, but nothing to react to; hosts ask for one every hour. Nor has a
        # queue a body.
        if self._on_change is not None and service != "sqs" and (service, action) != ("sts", "AssumeRole"):
            self._on_change(service, action)

    def listen_on(self, address: str) -> None:
        """Listen on one more address, which this machine need not have yet; a second call does nothing.

        Raises OSError when the port is taken there.
        """
        self._running()
        if address in self._servers:
            return
        self._serve(address, _bound_socket(address, self._port))

    def _running(self) -> WsgiApplication:
        if self._application is None:
            raise RuntimeError("start the emulator first")
        return self._application

    def _serve(self, address: str, listener: socket.socket) -> None:
        server = make_server(
            address, self._port, self._running(), threaded=True, request_handler=_Handler, fd=listener.fileno()
        )
        listener.close()  # make_server has a duplicate
        server.daemon_threads = True  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, name=f"emulator-{address}", daemon=True)
        thread.start()
        self._servers[address] = (server, thread)
        log.info("the account listens on http://%s:%s", address, self._port)

    def stop(self) -> None:
        """Listen no more and write down the account."""
        for server, thread in self._servers.values():
            server.shutdown()
            thread.join()
            server.server_close()
        self._servers.clear()
        self._clock.stop()
        account.remove_listener(self._clock.changed)
        account.remove_listener(self._tell)
        if self._memory is not None:
            account.remove_listener(self._memory.changed)
            self._memory.stop()
