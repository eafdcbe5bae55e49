"""The rehearsal's verbs. `make help` lists the ones that people use.

usage: python -m rehearsal {run | up | down | env | status}
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from rehearsal import lifecycle, machine, report
from rehearsal.console import console, output, say
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.engine import EngineError
from rehearsal.settings import REGION, Settings, SettingsError

INTERRUPTED = 130


def environment(settings: Settings) -> dict[str, str]:
    """What any AWS tool needs to talk to the emulated account."""
    return {
        "AWS_ENDPOINT_URL": settings.endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    }


def run(settings: Settings) -> int:
    """`make rehearse`: the cloud, then the unchanged site.yml, then what was built."""
    began = time.monotonic()
    lifecycle.up(settings)
    say("ansible-playbook site.yml -i inventories/rehearsal")
    playbook = [f"{sys.prefix}/bin/ansible-playbook", "site.yml", "-i", str(lifecycle.INVENTORY)]
    done = subprocess.run(playbook, cwd=settings.project, env=ansible_environment(settings), check=False)
    if done.returncode != 0:
        console.print(
            f"[red]slipway:[/red] the playbook stopped (see above). The cloud still runs; its log is "
            f"{settings.state / 'cloud.log'}. Mend the cause and run 'make rehearse' again: it goes on from there."
        )
        return done.returncode
    report.print_report(settings, minutes=(time.monotonic() - began) / 60)
    return 0


def ansible_environment(settings: Settings) -> dict[str, str]:
    """The caller's environment with the emulated account in it, and no other AWS credentials."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = f"{sys.prefix}/bin:{os.environ.get('PATH', '')}"
    return {**kept, **environment(settings), "PATH": path}


def up(settings: Settings) -> int:
    """Start the cloud alone."""
    lifecycle.up(settings)
    return 0


def down(settings: Settings) -> int:
    """`make down`: leave nothing."""
    lifecycle.down(settings)
    say("nothing of the rehearsal is left. Kept: .venv, .cache and node_modules ('make clean' removes them)")
    return 0


def env(settings: Settings) -> int:
    """`make rehearsal-env`: shell lines for any AWS tool."""
    for name, value in environment(settings).items():
        output.print(f"export {name}={value}")
    return 0


def status(settings: Settings) -> int:
    """`make status`: what is there now."""
    if not lifecycle.answers(settings):
        console.print("No rehearsal runs here. Start one: make rehearse")
        return 1
    report.print_report(settings, minutes=None)
    return 0


VERBS: dict[str, Callable[[Settings], int]] = {"run": run, "up": up, "down": down, "env": env, "status": status}


def main(words: Sequence[str]) -> int:
    """Run one verb; what a person can mend is said in a sentence, without a traceback."""
    if len(words) != 1 or words[0] not in VERBS:
        console.print(__doc__)
        return 2
    try:
        return VERBS[words[0]](Settings.from_environment())
    except (SettingsError, machine.MachineError, EngineError) as error:
        console.print(f"[red]slipway:[/red] {error}", markup=True)
        return 1
    except KeyboardInterrupt:
        console.print("\n[yellow]interrupted[/yellow]: run 'make rehearse' again and it goes on from here.")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
