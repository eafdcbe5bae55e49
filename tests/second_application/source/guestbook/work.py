"""Background work that is no command of Django's: counts until it is told to stop.

python3 -m guestbook.work --every SECONDS
"""

from __future__ import annotations

import argparse
import signal
import threading

import django
from django.conf import settings


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=float, default=1)
    every = parser.parse_args().every
    django.setup()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    print(f"{settings.GREETING}, work begins", flush=True)
    counted = 0
    while not stopping.wait(every):
        counted += 1
    print(f"counted to {counted}", flush=True)


if __name__ == "__main__":
    main()
