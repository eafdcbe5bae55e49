"""Gunicorn's own messages as JSON: ``gunicorn --config python:config.gunicorn config.wsgi``.

Sockets, workers and timeouts belong to the host (they follow from its size and from the balancer's timeouts), so that
nothing but the shape of the log is set here. Requests are logged by ``config.logs.RequestLogMiddleware``.
"""

from __future__ import annotations

import os

from config.logs import logging_config

logconfig_dict = logging_config(
    level=os.environ.get("DJANGO_LOG_LEVEL") or "INFO", release_id=os.environ.get("RELEASE_ID", "")
)

# Nobody asks for the control interface, whose socket would be made in a home directory that a service does not have.
control_socket_disable = True
