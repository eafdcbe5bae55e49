"""What moto does otherwise than AWS, set right.

Each correction is a function which takes the place of a method of moto (or adds one that moto lacks). It mimics what
AWS documents, and its docstring names the page. None makes anything pass that AWS would refuse.

A module of this package collects its corrections with `@correct(Owner, "method")`; nothing changes before `apply()`.
"""

from __future__ import annotations

import importlib

from .registry import install

#: In the order in which they are applied; a later module may build on an earlier one.
MODULES = (
    "core",
    "iam",
    "images",
    "ec2",
    "ipv6",
    "vpc_endpoints",
    "dependencies",
    "elbv2",
    "autoscaling",
    "rds",
    "elasticache",
    "kms",
    "secretsmanager",
    "route53",
    "acm",
    "s3",
    "sqs",
    "sns",
    "logs",
    "cloudwatch",
    "wafv2",
    "xray",
    "backup",
    "budgets",
    "cloudfront",
)


def apply() -> None:
    """Put all corrections in place; a second call changes nothing."""
    for module in MODULES:
        importlib.import_module(f"{__name__}.{module}")
    install()
