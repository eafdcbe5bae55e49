"""moto reads its settings when it is first imported: the emulated account has to be the one that imports it."""

from __future__ import annotations

import rehearsal.emulator  # noqa: F401
