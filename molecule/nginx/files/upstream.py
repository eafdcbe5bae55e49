"""The probe application on a Unix socket, by the standard library alone."""

from __future__ import annotations

import os
import socketserver
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from probe.wsgi import application

SOCKET = "/run/gunicorn/gunicorn.sock"


class Handler(WSGIRequestHandler):
    def address_string(self) -> str:
        return "unix"

    def setup(self) -> None:
        self.client_address = ("unix", 0)
        super().setup()


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    base_environ: dict[str, str] = {  # noqa: RUF012
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "GATEWAY_INTERFACE": "CGI/1.1",
        "REMOTE_HOST": "",
        "CONTENT_LENGTH": "",
        "SCRIPT_NAME": "",
    }
    server_name, server_port = "localhost", 80
    get_app = WSGIServer.get_app
    set_app = WSGIServer.set_app
    application = None


server = Server(SOCKET, Handler)
server.set_app(application)
os.chmod(SOCKET, 0o666)  # noqa: S103, PTH101
server.serve_forever()
