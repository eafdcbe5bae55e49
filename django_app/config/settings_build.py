"""Settings of the build: collectstatic, makemigrations --check, migration_heads and the type checker.

No secret, no database and no cache is configured, so that a command which would need one fails at once. The only
variable that is read is DJANGO_STATIC_ROOT.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from config.project import *  # noqa: F403
from config.project import DEFAULT_STATIC_ROOT

RELEASE_ID = ""
FORWARDED_HOPS = 0
TRACING_SERVICE = ""
SNS_TOPIC_ARNS = ()
SNS_ENDPOINT = ""
SITE_URL = ""
MAILERS: dict[str, dict[str, Any]] = {}
OUTBOUND_ALLOWED_NETWORKS = ()
STATIC_ROOT = Path(os.environ.get("DJANGO_STATIC_ROOT") or DEFAULT_STATIC_ROOT)
