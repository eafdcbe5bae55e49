"""Which code this is."""

from __future__ import annotations

import hashlib
from pathlib import Path


def version() -> str:
    """Digest of the code of this package: a running cloud of another version is restarted."""
    digest = hashlib.sha256()
    package = Path(__file__).parent
    for path in sorted(package.rglob("*.py")):
        digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
