"""What one rehearsal is made of: where its files lie and on which ports it listens."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

#: The emulated account. AWS's own documentation uses this id in its examples, so nobody owns it.
ACCOUNT_ID = "123456789012"
REGION = "eu-west-1"

DEFAULT_EMULATOR_PORT = 4566
DEFAULT_SITE_PORT = 8443
#: Instance metadata listens here on the bridge's gateway; the hosts reach it as 169.254.169.254:80.
DEFAULT_METADATA_PORT = 4567
#: Mail is taken here, on the bridge's gateway.
DEFAULT_MAIL_PORT = 4568


class SettingsError(ValueError):
    """A setting from the environment cannot be used; the text is meant for a person."""


def _port(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdigit() or not 1024 <= int(text) <= 65535:
        raise SettingsError(f"{name} is {text!r}: give a port number from 1024 to 65535.")
    return int(text)


@dataclass(frozen=True)
class Settings:
    """The rehearsal of one clone."""

    project: Path
    emulator_port: int
    site_port: int
    metadata_port: int
    mail_port: int = DEFAULT_MAIL_PORT

    @classmethod
    def from_environment(cls, project: Path | None = None) -> Settings:
        """Read the settings of the clone that this package lies in.

        Raises SettingsError when a port is not a number that an ordinary process may listen on.
        """
        settings = cls(
            project=(project or Path(__file__).parent.parent).resolve(),
            emulator_port=_port("SLIPWAY_EMULATOR_PORT", DEFAULT_EMULATOR_PORT),
            site_port=_port("SLIPWAY_SITE_PORT", DEFAULT_SITE_PORT),
            metadata_port=_port("SLIPWAY_METADATA_PORT", DEFAULT_METADATA_PORT),
            mail_port=_port("SLIPWAY_MAIL_PORT", DEFAULT_MAIL_PORT),
        )
        ports = (settings.emulator_port, settings.site_port, settings.metadata_port, settings.mail_port)
        if len(set(ports)) != len(ports):
            raise SettingsError(
                "SLIPWAY_EMULATOR_PORT, SLIPWAY_SITE_PORT, SLIPWAY_METADATA_PORT and SLIPWAY_MAIL_PORT must differ."
            )
        return settings

    @property
    def state(self) -> Path:
        """Everything that a rehearsal writes lies below this directory."""
        return self.project / ".rehearsal"

    @property
    def endpoint(self) -> str:
        """The emulated account's API, as the controller sees it."""
        return f"http://127.0.0.1:{self.emulator_port}"
