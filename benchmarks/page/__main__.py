"""How good the public page is: Lighthouse through the TLS front of the running rehearsal, and axe on every page.

usage: python -m benchmarks.page [--runs 3]

Lighthouse's values are the median of the runs and the worst of the three other categories. Reports are left in
.test-results/page. A member of staff is made on a host for the pages that want a session, and removed again.
Ends with 1 when a target is missed or axe finds something.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rehearsal import lifecycle, report
from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane.context import Context
from rehearsal.engine import Engine
from rehearsal.settings import Settings

PROJECT: Final = Path(__file__).parents[2]
HERE: Final = Path(__file__).parent
RESULTS: Final = PROJECT / ".test-results" / "page"
MINUTES: Final = 10
#: Least values of Lighthouse's categories, and the most kB of JavaScript (gzip) that the first load may take.
LEAST: Final = {"perf": 99, "a11y": 100, "best": 100, "seo": 100}
MOST_KILOBYTES: Final = 90.0

PAGES: Final = (
    "/",
    "/history",
    "/history/2020-01",
    "/subscribe",
    "/subscriptions/confirm?token=none",
    "/subscriptions/unsubscribe?token=none",
    "/sign-in",
    "/nowhere",
)
STAFF: Final = (
    "/staff",
    "/staff/incidents",
    "/staff/incidents/new",
    "/staff/maintenance",
    "/staff/maintenance/new",
    "/staff/components",
    "/staff/components/new",
    "/staff/monitors",
    "/staff/monitors/new",
    "/staff/subscribers",
    "/staff/tokens",
    "/staff/audit",
    "/staff/account",
)

_ON_A_HOST: Final = (
    "set -a; . /run/slipway/application.env; set +a; export PYTHONPATH=/srv/application/current/site-packages; "
    "cd /srv/application/current/app; "
)
_CREATE: Final = (
    "read -r DJANGO_SUPERUSER_PASSWORD; export DJANGO_SUPERUSER_PASSWORD; "
    'python3 manage.py createsuperuser --noinput --username "$1" --email "$1@example.com"'
)
# As an operator would, from a shell on a host; the name is an argument, and no part of the program.
_REMOVE: Final = (
    'python3 manage.py shell --no-imports --command "import os; from django.contrib.auth import get_user_model; '
    "get_user_model().objects.filter(username=os.environ['NAME']).delete()\""
)


def find_site() -> tuple[Settings, Context, str]:
    """The running rehearsal and the URL of its site.

    Raises:
        SystemExit: there is none; the text says what to do.
    """
    settings = Settings.from_environment(PROJECT)
    if not lifecycle.answers(settings):
        raise SystemExit("No rehearsal runs on this machine: start one with `make rehearse`, then run this again.")
    context = Context(settings, Engine(settings.state), CertificateAuthority(settings.state), appliance_image="")
    urls = report.site_urls(context)
    if not urls:
        raise SystemExit("The rehearsal has no site yet: `make rehearse` has to come to its end first.")
    return settings, context, urls[0]


@contextmanager
def member_of_staff(context: Context) -> Iterator[dict[str, str]]:
    """A superuser for as long as the block runs."""
    group = context.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"][0]
    host = next(one["InstanceId"] for one in group["Instances"] if one["LifecycleState"] == "InService")
    name, password = f"benchmark-{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    context.engine.run(
        "exec", "-i", host, "sh", "-c", _ON_A_HOST + _CREATE, "sh", name, stdin=f"{password}\n", timeout=60
    )
    try:
        yield {"username": name, "password": password}
    finally:
        context.engine.run("exec", "--env", f"NAME={name}", host, "sh", "-c", _ON_A_HOST + _REMOVE, timeout=60)


def measure(settings: Settings, url: str, *, runs: int, session: dict[str, str]) -> dict[str, Any]:
    """What measure.mjs finds; its packages are installed when they are not there."""
    if not (HERE / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--loglevel=error"], cwd=HERE, check=True, stdout=sys.stderr)
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("There is no chromium on this machine: `make setup-tests` installs it.")
    RESULTS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        order = {
            "url": url,
            "authority": str(CertificateAuthority(settings.state).cert_path),
            "chromium": chromium,
            "profile": profile,
            "runs": runs,
            "pages": PAGES,
            "staff": STAFF,
        }
        try:
            done = subprocess.run(
                # The password goes through a pipe: the list of processes is for everybody.
                ["node", "measure.mjs", json.dumps(order), str(RESULTS)],
                input=json.dumps(session),
                cwd=HERE,
                text=True,
                stdout=subprocess.PIPE,
                timeout=MINUTES * 60,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise SystemExit(
                f"The measurement took more than {MINUTES} minutes; how far it came stands above."
            ) from None
    if done.returncode != 0:
        raise SystemExit("The measurement failed; what it said stands above.")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    """Measure, say what was lost and where, and print the line of figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    settings, context, url = find_site()
    os.environ["PATH"] = f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"
    with member_of_staff(context) as session:
        found = measure(settings, url, runs=runs, session=session)

    for number, run in enumerate(found["runs"]):
        times = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in run["seconds"].items())
        print(f"run {number}: perf {run['perf']}, {times}, layout shift {run['shift']:.3f}")
        for sentence in {*run["lost"], *run["warnings"]}:
            print(f"  {sentence}")
    broken = {page: violations for page, violations in found["accessibility"].items() if violations}
    print(f"axe: {len(found['accessibility'])} views, {len(broken)} with something to mend")
    for page, violations in broken.items():
        print(f"  {page}", *violations, sep="\n    ")

    scores = {name: min(run[name] for run in found["runs"]) for name in LEAST}
    scores["perf"] = round(statistics.median(run["perf"] for run in found["runs"]))
    kilobytes = found["kilobytes"]
    print(" ".join(f"{name}={value}" for name, value in scores.items()), f"kb={kilobytes:.1f}")
    missed = kilobytes > MOST_KILOBYTES or any(scores[name] < least for name, least in LEAST.items())
    return 1 if missed or broken else 0


if __name__ == "__main__":
    sys.exit(main())
