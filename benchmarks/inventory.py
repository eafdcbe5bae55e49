"""What the dynamic inventory costs: the API's own answers, the stock plug-in, ours, and both from a cache.

usage: python -m benchmarks.inventory [--instances 100,1000] [--repeats 3] [--seconds 300]

For each number of instances there is an emulated account that holds them. `calls` is a paginated DescribeInstances and
nothing else, in a process that has boto3 and its client already; the others are `ansible all --list-hosts`, from its
start to its end, with the inventory of `staging` (server-side filter, three groups): what every command pays before its
first host. (`ansible-inventory --list` would measure itself: of a thousand hosts it spends nine tenths of its time in
writing their variables as JSON, whoever has read them.) All of them alternate, and ratios are taken within a round. CPU
is that of the controller. A busy machine measures fewer rounds: none begins after `--seconds`.

Last line, for machines: at the largest number, `live` is ours ÷ calls, `cached` is ours ÷ stock, both from a cache.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from rich.console import Console
from rich.table import Table

from benchmarks.provisioning.account import PROJECT, account
from rehearsal.emulator.operator import ACCESS_KEY_ID, SECRET_ACCESS_KEY
from rehearsal.images import DEBIAN_13_IMAGE_ID

REGION = "eu-west-1"
STOCK, OURS = "amazon.aws.aws_ec2", "slipway.aws.ec2_instances"
#: Instances that are launched by one request.
RESERVATION = 5
INVENTORY = PROJECT / "inventories" / "staging" / "aws_ec2.yml"


@dataclass(frozen=True)
class Cost:
    """Seconds."""

    wall: float
    cpu: float


def client(endpoint: str) -> Any:
    untyped: Any = boto3
    return untyped.client(
        "ec2",
        region_name=REGION,
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET_ACCESS_KEY,
    )


def launch(ec2: Any, count: int) -> None:
    """Instances in two zones, with the tags that the inventory asks for."""
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{16 * n}.0/20", AvailabilityZone=REGION + zone)["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate("ab")
    ]
    tags = {"Project": "slipway", "Environment": "staging", "Role": "web", "ManagedBy": "slipway", "Name": "web"}
    specification = {"ResourceType": "instance", "Tags": [{"Key": key, "Value": tags[key]} for key in tags]}
    for number, begin in enumerate(range(0, count, RESERVATION)):
        size = min(RESERVATION, count - begin)
        ec2.run_instances(
            ImageId=DEBIAN_13_IMAGE_ID,
            MinCount=size,
            MaxCount=size,
            SubnetId=subnets[number % 2],
            TagSpecifications=[specification],
        )
    asked = [{"Name": "instance-state-name", "Values": ["running"]}]
    pages = ec2.get_paginator("describe_instances")
    while sum(len(r["Instances"]) for page in pages.paginate(Filters=asked) for r in page["Reservations"]) < count:
        time.sleep(0.2)


def calls(ec2: Any) -> Cost:
    """The bare calls, with the inventory's filters."""
    wanted = yaml.safe_load(INVENTORY.read_text())["filters"]
    filters = [{"Name": name, "Values": [value]} for name, value in wanted.items()]
    began, before = time.monotonic(), time.process_time()
    for page in ec2.get_paginator("describe_instances").paginate(Filters=filters):
        len(page["Reservations"])
    return Cost(time.monotonic() - began, time.process_time() - before)


def listed(path: Path, given: dict[str, str], count: int) -> Cost:
    """One `ansible all --list-hosts`. Raises RuntimeError when it does not list all hosts."""
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(
        [str(Path(sys.executable).with_name("ansible")), "all", "-i", str(path), "--list-hosts"],
        env=given,
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if run.returncode or f"hosts ({count}):" not in run.stdout:
        raise RuntimeError(run.stderr[-2000:] or "not every host was listed")
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measure(count: int, repeats: int, seconds: float, work: Path) -> dict[str, list[Cost]]:
    """By way, the costs of each round."""
    costs: dict[str, list[Cost]] = {}
    with account() as endpoint:
        ec2 = client(endpoint)
        launch(ec2, count)
        paths = {}
        for plugin in (STOCK, OURS):
            directory = work / str(count) / plugin
            directory.mkdir(parents=True)
            paths[plugin] = directory / "aws_ec2.yml"
            paths[plugin].write_text(yaml.safe_dump(yaml.safe_load(INVENTORY.read_text()) | {"plugin": plugin}))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ANSIBLE_"))}
        given = {
            **kept,
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
        }
        cached = given | {
            "ANSIBLE_INVENTORY_CACHE": "true",
            "ANSIBLE_INVENTORY_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_INVENTORY_CACHE_CONNECTION": str(work / str(count) / "cache"),
        }
        for plugin in (STOCK, OURS):
            listed(paths[plugin], cached, count)  # fills the cache
        ways = {
            "calls": lambda: calls(ec2),
            "stock": lambda: listed(paths[STOCK], given, count),
            "ours": lambda: listed(paths[OURS], given, count),
            "stock, cached": lambda: listed(paths[STOCK], cached, count),
            "ours, cached": lambda: listed(paths[OURS], cached, count),
        }
        began = time.monotonic()
        for number in range(repeats):
            if number and time.monotonic() - began > seconds:
                break
            for name in random.sample(list(ways), len(ways)):
                costs.setdefault(name, []).append(ways[name]())
    return costs


def ratio(costs: dict[str, list[Cost]], one: str, other: str) -> float:
    """The median of the rounds' ratios of wall time."""
    return statistics.median(a.wall / b.wall for a, b in zip(costs[one], costs[other], strict=True))


def main(words: Sequence[str]) -> int:
    """Measure and print; the last line is for machines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", default="100,1000", help="how many instances (100,1000)")
    parser.add_argument("--repeats", type=int, default=3, help="how many rounds (3)")
    parser.add_argument("--seconds", type=float, default=300, help="after which no round begins (300)")
    options = parser.parse_args(words)
    console = Console(highlight=False)
    table = Table(title=f"Seconds of wall (CPU), medians of at most {options.repeats}, load {os.getloadavg()[0]:.1f}")
    for name in (
        "instances",
        "calls",
        "stock",
        "ours",
        "stock, cached",
        "ours, cached",
        "ours ÷ calls",
        "cached ÷ stock's",
    ):
        table.add_column(name, justify="right")
    last = ""
    with tempfile.TemporaryDirectory() as name:
        for count in sorted(int(word) for word in options.instances.split(",")):
            costs = measure(count, options.repeats, options.seconds, Path(name))
            live, cached = ratio(costs, "ours", "calls"), ratio(costs, "ours, cached", "stock, cached")
            medians = [
                f"{statistics.median(c.wall for c in costs[way]):.2f}"
                f" ({statistics.median(c.cpu for c in costs[way]):.2f})"
                for way in ("calls", "stock", "ours", "stock, cached", "ours, cached")
            ]
            table.add_row(str(count), *medians, f"{live:.2f}", f"{cached:.2f}")
            last = f"instances={count} live={live:.2f} cached={cached:.2f}"
    console.print(table)
    print(last)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
