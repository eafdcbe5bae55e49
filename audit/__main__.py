"""What people ask of the audit. `make help` lists the verbs.

usage: python -m audit {prowler [ENVIRONMENT] | account ENVIRONMENT | deployer-policy}
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from audit import deployer, prowler
from audit.account import ENVIRONMENTS, PROJECT, RunError
from audit.recordings import laid, recordings
from rehearsal.console import console, say


def write_deployer_policy() -> int:
    """`make deployer-policy`: from the requests of whole runs of every environment."""
    say("recording what a deployment of every environment asks for")
    calls = [call for recorded in recordings().values() for call in recorded]
    there, wanted = deployer.FILE.read_text(), deployer.rendered(calls)
    deployer.FILE.write_text(wanted)
    say("\n".join(deployer.differences(there, wanted)) or f"{deployer.FILE.relative_to(PROJECT)} is up to date")
    return 0


def _judged(results: Iterable[prowler.Result], *, unused: bool = True) -> prowler.Verdict:
    verdict = prowler.judge(results, prowler.exceptions())
    prowler.report(verdict, unused=unused)
    return verdict


def audit(environment: str) -> int:
    """`make audit`: Prowler against an environment in an emulated account."""
    program = prowler.install()
    say(f"an emulated account with {environment}")
    calls = recordings([environment])[environment]
    with laid(environment) as made:
        say("Prowler")
        return 0 if _judged(prowler.emulated(made, calls, program)).good else 1


def audit_own(environment: str) -> int:
    """`make audit ACCOUNT=production`: Prowler, which only reads, in your account, with your credentials.

    Only resources with the environment's tags. An exception for what the account has in order is no fault here.
    """
    program = prowler.install()
    say(f"Prowler in the account of {environment}")
    return 1 if _judged(prowler.own(environment, program), unused=False).failed else 0


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
            case ["account", environment]:
                return audit_own(environment)
    except (RunError, prowler.ProwlerError) as error:
        console.print(str(error), markup=False)
        return 1
    console.print(__doc__, markup=False)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
