"""What a play of stock AWS modules costs through `ansible.builtin.local` and through `slipway.aws.warm`.

usage: python -m benchmarks.warm_interpreter [--pairs 5] [--out FILE]

Both run the same play against one emulated account, which exists already, so that every task finds nothing to do. The
runs alternate, in an order that chance decides for every pair, and ratios are taken within a pair, so that what else
the machine does touches both alike. CPU is that of the controller: ansible-playbook, its workers and all modules, with
the warm process. The account's own is not in it.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY

PROJECT = Path(__file__).parents[1]
LOCAL, WARM = "ansible.builtin.local", "slipway.aws.warm"
REGION = "eu-west-1"
#: From <linux/prctl.h>: orphans become children of this process, so that their CPU time can be counted.
PR_SET_CHILD_SUBREAPER = 36

Task = dict[str, Any]

ACCOUNT = """
import sys, time
from rehearsal.emulator.server import Emulator
emulator = Emulator(0)
emulator.start()
print(emulator.endpoint, flush=True)
sys.stdin.read()
emulator.stop()
"""


def tasks() -> list[Task]:
    """Thirty tasks as a provisioning play has them: a network, buckets, roles, keys, and questions about them."""
    zones = ("a", "b", "c")
    described: list[tuple[str, Task]] = [
        ("aws_caller_info", {}),
        ("ec2_vpc_net", {"name": "bench", "cidr_block": "10.9.0.0/16", "tags": {"Stack": "bench"}}),
        ("ec2_vpc_net_info", {"filters": {"tag:Name": "bench"}}),
        *(
            (
                "ec2_vpc_subnet",
                {"vpc_id": VPC, "cidr": f"10.9.{n}.0/24", "az": REGION + zone, "tags": {"Name": f"b-{zone}"}},
            )
            for n, zone in enumerate(zones)
        ),
        ("ec2_vpc_igw", {"vpc_id": VPC, "tags": {"Name": "bench"}}),
        ("ec2_vpc_subnet_info", {"filters": {"vpc-id": VPC}}),
        *(
            (
                "ec2_security_group",
                {
                    "name": f"bench-{name}",
                    "description": name,
                    "vpc_id": VPC,
                    "rules": [{"proto": "tcp", "from_port": port, "to_port": port, "cidr_ip": "10.9.0.0/16"}],
                },
            )
            for name, port in (("web", 80), ("database", 5432), ("cache", 6379), ("balancer", 443))
        ),
        ("ec2_security_group_info", {"filters": {"vpc-id": VPC}}),
        *(("s3_bucket", {"name": f"bench-{name}", "versioning": True}) for name in ("releases", "frontend", "logs")),
        *(("iam_role", {"name": f"bench-{name}", "assume_role_policy_document": TRUST}) for name in ("web", "worker")),
        ("iam_role_info", {"name": "bench-web"}),
        ("ec2_vpc_route_table_info", {"filters": {"vpc-id": VPC}}),
        ("kms_key_info", {}),
        *(
            ("cloudwatchlogs_log_group", {"log_group_name": f"/bench/{name}", "retention": 30})
            for name in ("web", "db")
        ),
        ("sns_topic", {"name": "bench"}),
        ("ec2_instance_info", {"filters": {"vpc-id": VPC}}),
        ("ec2_ami_info", {"owners": ["self"]}),
        ("elb_application_lb_info", {}),
        ("rds_instance_info", {}),
        ("autoscaling_group_info", {}),
        ("ec2_vpc_igw_info", {"filters": {"attachment.vpc-id": VPC}}),
    ]
    collection = {"sns_topic": "community.aws"}
    made: list[Task] = []
    for module, options in described:
        made.append({f"{collection.get(module, 'amazon.aws')}.{module}": options})
        if module == "ec2_vpc_net":
            made[-1]["register"] = "network"
    return made


VPC = "{{ network.vpc.id }}"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}],
    }
)


@dataclass(frozen=True)
class Cost:
    """Seconds."""

    wall: float
    cpu: float


@contextmanager
def account() -> Iterator[str]:
    """The URL of an emulated account in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", ACCOUNT], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 (it was asked for)
        yield process.stdout.readline().strip()


def environment(endpoint: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
    return {
        **kept,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / "collections"),
    }


def run(playbook: Path, connection: str, given: dict[str, str]) -> Cost:
    """One run. Raises RuntimeError when it fails."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(playbook)),
            *("-e", f"ansible_connection={connection}"),
        ],
        env=given,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-3000:])
    wall = time.monotonic() - began
    collect_orphans()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def collect_orphans() -> None:
    """Wait for what the run has left to this process: the warm process, which ends with the run."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        orphans = [pid for pid in map(int, children.read_text().split()) if is_warm(pid)]
        if not orphans:
            return
        for pid in orphans:
            os.waitpid(pid, 0)
    raise TimeoutError("the warm process did not end with its run")


def is_warm(pid: int) -> bool:
    """Whether it is a warm process, dead or alive."""
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return b"slipway-warm-interpreter" in line or state == "Z"


def main(words: Sequence[str]) -> int:
    """Measure and print; the last line is for machines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5, help="how often both are run (5)")
    parser.add_argument("--out", type=Path, help="write the single measurements here, as JSON")
    options = parser.parse_args(words)
    if ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError("prctl refused to make this process a subreaper")
    costs: dict[str, list[Cost]] = {LOCAL: [], WARM: []}
    with tempfile.TemporaryDirectory() as name, account() as endpoint:
        given = environment(endpoint)
        playbooks = {}
        for count in (0, 30):
            playbooks[count] = Path(name) / f"{count}.yml"
            play = {
                "hosts": "localhost",
                "gather_facts": False,
                "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
                "tasks": tasks()[:count],
            }
            playbooks[count].write_text(yaml.safe_dump([play], sort_keys=False))
        run(playbooks[30], WARM, given)  # makes everything
        print(f"{len(tasks())} tasks, {options.pairs} pairs, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        empty = [run(playbooks[0], LOCAL, given) for _ in range(3)]
        for number in range(options.pairs):
            for connection in random.sample((LOCAL, WARM), 2):
                costs[connection].append(run(playbooks[30], connection, given))
            local, warm = costs[LOCAL][-1], costs[WARM][-1]
            print(
                f"pair {number + 1}: wall {local.wall:5.1f} → {warm.wall:5.1f} s ({warm.wall / local.wall:.2f}),"
                f" CPU {local.cpu:5.1f} → {warm.cpu:5.1f} s ({warm.cpu / local.cpu:.2f})",
                flush=True,
            )
    report(costs, empty)
    if options.out:
        options.out.write_text(
            json.dumps({key: [vars(cost) for cost in value] for key, value in costs.items()}, indent=2)
        )
    return 0


def report(costs: dict[str, list[Cost]], empty: Sequence[Cost]) -> None:
    """Medians, what a task costs beyond a run without tasks, and the ratios of the pairs."""
    nothing = Cost(statistics.median(c.wall for c in empty), statistics.median(c.cpu for c in empty))
    print(f"\n{'':24}{'wall, s':>10}{'CPU, s':>10}{'a task: wall, ms':>20}{'CPU, ms':>10}")
    print(f"{'a play without tasks':24}{nothing.wall:10.2f}{nothing.cpu:10.2f}")
    for connection, measured in costs.items():
        wall, cpu = statistics.median(c.wall for c in measured), statistics.median(c.cpu for c in measured)
        each = ((wall - nothing.wall) / len(tasks()) * 1000, (cpu - nothing.cpu) / len(tasks()) * 1000)
        print(f"{connection:24}{wall:10.2f}{cpu:10.2f}{each[0]:20.0f}{each[1]:10.0f}")
    pairs = list(zip(costs[LOCAL], costs[WARM], strict=True))
    wall_ratio = statistics.median(warm.wall / local.wall for local, warm in pairs)
    cpu_ratio = statistics.median(warm.cpu / local.cpu for local, warm in pairs)
    print(f"\nwall={wall_ratio:.2f} cpu={cpu_ratio:.2f}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
