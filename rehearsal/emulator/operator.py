"""The credentials of the person who runs the rehearsal: an administrator of the emulated account.

They open nothing but an emulator on this machine, so they are no secret. Both have AWS's own shape, because
some tools check it; they are the ones that AWS's documentation prints.
"""

from __future__ import annotations

ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 (AWS's documentation prints it)
