"""Stands for Django's manage.py: prints what it was asked and who asks, as JSON."""

from __future__ import annotations

import json
import os
import sys

print(
    json.dumps(
        {
            "arguments": sys.argv[1:],
            "user": os.getuid(),
            "release": os.environ.get("RELEASE_ID"),
            "secret_length": len(os.environ.get("DATABASE_PASSWORD", "")),
            "path": sys.path,
        }
    )
)
sys.exit(3 if "fail" in sys.argv else 0)
