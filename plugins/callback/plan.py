"""Ansible callback: what a dry run of the stack would do, resource by resource."""

# ruff: noqa: E402 (Ansible wants the documentation before the imports)

from __future__ import annotations

DOCUMENTATION = r"""
---
name: plan
type: stdout
version_added: 0.1.0
short_description: Print what a dry run would do to each resource
description:
  - Collects the results of a run in check mode and prints, for every resource, whether it would be created, changed,
    replaced or deleted, which fields differ, whether users notice, what a month costs more, and how many minutes AWS
    takes.
  - What is known about a module stands in C(plugins/plugin_utils/plan_modules.yml), what the variables want in the fact
    C(plan_result), which the role C(plan) sets.
  - The run ends with status 0 when there is nothing to do, 2 when there is something, and 1 after an error.
  - Progress and errors go to stderr.
author: Slipway
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase  # type: ignore[import-untyped]
from ansible_collections.slipway.aws.plugins.plugin_utils import plan_report, prices
from ansible_collections.slipway.aws.plugins.plugin_utils.plan import Plan


class CallbackModule(CallbackBase):  # type: ignore[misc]
    """Listens to a run and prints the plan at its end."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "slipway.aws.plan"

    def __init__(self) -> None:
        super().__init__()
        self.plan = Plan()
        self.wanted: dict[str, Any] = {}
        self.failed = False

    # --- what a run tells

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Say where the run stands."""
        self._display.display(f"… {play.get_name()}", stderr=True)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Take in what a module said."""
        self._observe(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """A module without check mode is skipped, and so is what had nothing to do."""
        self._observe(result, skipped=True)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Print why."""
        if not ignore_errors:
            self._complain(result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Print why."""
        self._complain(result)

    def _observe(self, result: Any, *, skipped: bool = False) -> None:
        answer = result.result
        facts = answer.get("ansible_facts") or {}
        if "preflight_result" in facts:
            self.plan.region = str(facts["preflight_result"]["region"])
        if "plan_result" in facts:
            self.wanted = dict(facts["plan_result"])
        module = str(getattr(result.task, "resolved_action", None) or result.task.action)
        for one in _rounds(answer):
            self.plan.observe(result.host.get_name(), module, one, skipped=skipped or bool(one.get("skipped")))

    def _complain(self, result: Any) -> None:
        where = f"{result.host.get_name()}: {result.task.get_name()}"
        messages = [str(one["msg"]) for one in _rounds(result.result) if one.get("failed") and one.get("msg")]
        text = "\n  ".join(messages or [str(result.result.get("msg", "failed without a word"))])
        self._display.display(f"✗ {where}\n  {text}", color="red", stderr=True)

    # --- the end

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the plan and leave with its status. Nothing of Ansible's own comes after this."""
        failed = bool(stats.failures or stats.dark)
        if not self.wanted.get("resources") and not failed:
            # The run was of a part that never came to the role: --list-tasks, --tags.
            self._display.display(
                "The run did not come to its end (tags?): there is no plan.", color="red", stderr=True
            )
            failed = True
        self.plan.resources = list(self.wanted.get("resources") or [])
        self.plan.settled = frozenset(map(str, self.wanted.get("settled") or []))
        entries = prices.priced(
            self.plan.conclude(), prices.newest(), self.plan.region, free=bool(self.wanted.get("emulated"))
        )
        report = plan_report.Report(
            environment=str(self.wanted.get("environment", "")),
            region=self.plan.region,
            entries=entries,
            total=self._total(),
            failed=failed,
            drift=self.plan.drift,
            unread=self.plan.unread,
        )
        if path := self.wanted.get("json_path"):
            Path(str(path)).write_text(json.dumps(report.as_dict(), indent=2) + "\n")
        if self.wanted.get("format") == "json":
            print(json.dumps(report.as_dict(), indent=2))
        else:
            print(plan_report.text(report, width=plan_report.width(sys.stdout)), end="")
        sys.stdout.flush()
        raise SystemExit(report.status)

    def _total(self) -> prices.Total | None:
        if self.wanted.get("emulated") or not self.wanted:
            return None
        return prices.total(self.plan.resources, prices.newest(), self.plan.region)


def _rounds(answer: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The results of a loop, or the one result."""
    rounds = answer.get("results")
    # A module may have a return value of that name.
    if (
        isinstance(rounds, list)
        and rounds
        and all(isinstance(one, dict) and "ansible_loop_var" in one for one in rounds)
    ):
        yield from rounds
    else:
        yield dict(answer)
