#!/usr/bin/env python3
"""Django's command line, which says a wrong environment in one sentence instead of a traceback."""

from __future__ import annotations

import os
import sys

EX_CONFIG = 78  # sysexits.h: the configuration is wrong, trying again will not help


def main() -> None:
    """Run a management command; exit with 78 when the environment cannot be used."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

    from django.conf import settings
    from django.core.management import execute_from_command_line

    from config.environment import EnvironmentInvalid

    try:
        _ = settings.INSTALLED_APPS
    except EnvironmentInvalid as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(EX_CONFIG)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
