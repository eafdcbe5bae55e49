"""What people ask of the audit. `make help` lists the verbs.

usage: python -m audit {prowler [ENVIRONMENT] | deployer-policy}
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from audit import deployer, prowler
from audit.account import ENVIRONMENTS, LAUNCHED, RunError, account, deployments
from audit.recording import Call
from rehearsal.console import console, say


def write_deployer_policy() -> int:
    """`make deployer-policy`: from the requests of whole runs of every environment."""
    calls: list[Call] = []
    for environment in ENVIRONMENTS:
        say(f"recording what a deployment of {environment} asks for")
        calls += deployments(environment)
    deployer.FILE.parent.mkdir(parents=True, exist_ok=True)
    deployer.FILE.write_text(deployer.rendered(calls))
    say(f"wrote {deployer.FILE}")
    return 0


def audit(environment: str) -> int:
    """`make audit`: Prowler against an environment in an emulated account."""
    program = prowler.install()
    say(f"laying {environment} into an emulated account")
    with account(environment, LAUNCHED) as made:
        say("Prowler")
        return prowler.report(prowler.run(made, program), prowler.exceptions())


def main(words: Sequence[str]) -> int:
    """Run one verb; what a person can mend is said in a sentence, without a traceback."""
    try:
        match list(words):
            case ["deployer-policy"]:
                return write_deployer_policy()
            case ["prowler"]:
                return audit("production")
            case ["prowler", environment] if environment in ENVIRONMENTS:
                return audit(environment)
    except (RunError, prowler.ProwlerError) as error:
        console.print(str(error), markup=False)
        return 1
    console.print(__doc__, markup=False)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
