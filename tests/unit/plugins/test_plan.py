"""What the results of a dry run mean for the resources."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.slipway.aws.plugins.plugin_utils import plan_report, prices
from ansible_collections.slipway.aws.plugins.plugin_utils.plan import (
    CHANGE,
    CREATE,
    DELETE,
    NOT_YET,
    REPLACE,
    SAME,
    UNKNOWN,
    Entry,
    Field,
    Plan,
    counts,
    load_modules,
    status,
)

PROJECT = Path(__file__).parents[3]
#: Roles whose tasks a plan comes to.
ROLES = sorted({path.parent for path in (PROJECT / "roles").glob("aws_*/tasks")} | {PROJECT / "roles" / "plan"})
MODULE = re.compile(r"^(amazon|community|slipway)\.aws\.[a-z0-9_]+$")


def observed(module: str, arguments: dict[str, Any], *, layer: str = "network", **result: Any) -> list[Entry]:
    plan = Plan(region="eu-west-1")
    plan.observe(layer, module, {"invocation": {"module_args": arguments}, **result})
    return plan.conclude()


def _tasks(items: Any) -> Iterator[dict[str, Any]]:
    for item in items or []:
        yield item
        for section in ("block", "rescue", "always"):
            yield from _tasks(item.get(section))


def test_every_module_of_the_layers_is_known() -> None:
    used = {
        word
        for role in ROLES
        for path in (role / "tasks").rglob("*.yml")
        # A plan says what a run would make; what takes down says so itself (playbooks/destroy.yml --check).
        if not path.stem.startswith(("absent", "protected"))
        for task in _tasks(yaml.safe_load(path.read_text()))
        for word in task
        if MODULE.match(word)
    }
    assert len(used) > 40
    assert sorted(used - set(load_modules())) == []


def test_every_module_of_the_table_exists_and_has_the_arguments_that_it_names() -> None:
    from ansible.plugins import loader  # type: ignore[import-untyped]
    from ansible.utils.plugin_docs import get_plugin_docs  # type: ignore[import-untyped]

    for module, known in load_modules().items():
        documentation = get_plugin_docs(module, "module", loader.module_loader, loader.fragment_loader, verbose=False)[
            0
        ]
        assert documentation is not None, module
        if known.get("reads"):
            continue
        named = {
            *known.get("fields", {}),
            *known.get("interrupts", {}),
            *known.get("untold", []),
            *known.get("keyed", {}),
            *known.get("documents", {}),
            *known.get("lists", {}),
        }
        if "members" not in known:
            named |= set(re.findall(r"\{([a-z_]+)", known["name"] + known.get("exists", ""))) or {
                known["name"].split(".")[0]
            }
        # Fields of our own modules are those that they compare, which may be named otherwise.
        if not module.startswith("slipway."):
            options = set(documentation["options"])
            aliases = {alias for option in documentation["options"].values() for alias in option.get("aliases", [])}
            assert named - options - aliases == set(), module


def test_every_kind_is_priced_or_free() -> None:
    kinds = {known["kind"] for known in load_modules().values() if not known.get("reads")}
    assert kinds - set(prices.PRICED) - prices.FREE == set()
    assert set(prices.PRICED) & prices.FREE == set()


def test_what_is_as_it_should_be_stays() -> None:
    (entry,) = observed("amazon.aws.ec2_vpc_net", {"name": "stack"}, changed=False, vpc={"id": "vpc-1"})
    assert (entry.action, entry.kind, entry.name) == (SAME, "VPC", "stack")
    assert status([entry]) == 0


def test_a_stock_module_that_returns_no_resource_would_make_one() -> None:
    (entry,) = observed("amazon.aws.ec2_vpc_net", {"name": "stack"}, changed=True, msg="would be created")
    assert (entry.action, entry.fields) == (CREATE, ())
    assert status([entry]) == 2


def test_a_placeholder_is_no_resource() -> None:
    arguments = {"tags": {"Name": "stack-public"}}
    (entry,) = observed("amazon.aws.ec2_vpc_route_table", arguments, changed=True, route_table={"id": "rtb-xxxxxxxx"})
    assert (entry.action, entry.name) == (CREATE, "stack-public")


def test_a_member_that_stays_is_called_as_one_that_changes() -> None:
    endpoints = {"prefix": "stack-endpoint-", "endpoints": [{"service": "s3"}, {"service": "ssm"}]}
    change: dict[str, Any] = {"field": "endpoints[ssm]", "from": None, "to": {}}
    plan = Plan(region="eu-west-1")
    given = {"module_args": endpoints}
    plan.observe(
        "network", "slipway.aws.ec2_vpc_endpoints", {"changes": [change], "changed": True, "invocation": given}
    )
    assert {one.name: one.action for one in plan.conclude()} == {"s3": SAME, "ssm": CREATE}


def test_what_a_module_would_remove_is_a_deletion_each() -> None:
    plan = Plan(region="eu-west-1")
    given = {"module_args": {"only": "strays"}}
    plan.observe("network", "slipway.aws.ec2_network_removal", {"changed": False, "removed": [], "invocation": given})
    assert plan.conclude() == []
    removed = ["network vpc-1", "address 192.0.2.1"]
    plan.observe("network", "slipway.aws.ec2_network_removal", {"removed": removed, "invocation": given})
    assert [(one.action, one.name) for one in plan.conclude()] == [(DELETE, name) for name in removed]


def test_a_stock_module_that_returns_the_live_resource_is_compared_with_its_arguments() -> None:
    arguments = {"name": "stack", "tags": {"Owner": "me", "Project": "x"}, "tenancy": "default", "state": "present"}
    vpc = {
        "id": "vpc-1",
        "tenancy": "default",
        "state": "available",
        "tags": {"Project": "x", "Old": "y", "aws:a": "b"},
    }
    (entry,) = observed("amazon.aws.ec2_vpc_net", arguments, changed=True, vpc=vpc)
    assert entry.action == CHANGE
    assert entry.fields == (Field("tags.Owner", None, "me"), Field("tags.Old", "y", None))


def test_a_change_that_nobody_explains_is_said_to_be_one() -> None:
    (entry,) = observed("amazon.aws.elb_application_lb", {"name": "stack"}, changed=True, msg="Would have updated ALB")
    assert entry.action == CHANGE
    assert [one.told for one in entry.fields] == [False]


READ = {"Sid": "Read", "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}


def test_policies_are_compared_statement_by_statement_as_aws_does() -> None:
    live = {"Statement": {**READ, "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": ["*"]}}
    write = {"Sid": "Write", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    arguments = {"alias": "stack", "policy": json.dumps({"Statement": [READ, write]})}
    (entry,) = observed(
        "amazon.aws.kms_key", arguments, changed=True, key_arn="arn:key", key_policies=[live], aliases=["a", "b"]
    )
    assert (entry.action, entry.reason) == (CHANGE, "")
    assert entry.fields == (Field("policy[Write]", "absent", write), Field("alias[stack]", "absent", "present"))

    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]}}]}
    other = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}]}
    attached = [{"policy_name": "Old", "policy_arn": "arn:aws:iam::aws:policy/Old"}]
    role = {"role_id": "A", "assume_role_policy_document": trust, "attached_policies": attached}
    trusting: dict[str, Any] = {"name": "web", "assume_role_policy_document": json.dumps(other), "managed_policies": []}
    (entry,) = observed("amazon.aws.iam_role", trusting, changed=True, iam_role=role)
    assert [one.name for one in entry.fields] == [
        "assume_role_policy_document[1]",
        "managed_policies[arn:aws:iam::aws:policy/Old]",
    ]
    (entry,) = observed("amazon.aws.iam_role", {**trusting, "managed_policies": None}, changed=True, iam_role=role)
    assert [one.name for one in entry.fields] == ["assume_role_policy_document[1]"]


def test_a_policy_within_a_role_is_made_or_changed() -> None:
    arguments = {"iam_name": "web", "policy_name": "logs", "policy_json": {"Statement": [READ]}}
    befores: list[tuple[dict[str, Any], str]] = [
        ({}, CREATE),
        ({"other": {}}, CREATE),
        ({"logs": {"Statement": []}}, CHANGE),
    ]
    for before, action in befores:
        diff = {"before": before, "after": {**before, "logs": {"Statement": [READ]}}}
        (entry,) = observed("amazon.aws.iam_policy", arguments, changed=True, diff=diff)
        assert (entry.name, entry.action) == ("web/logs", action)
    assert [one.name for one in entry.fields] == ["policy_json[Read]"]


def test_what_lies_in_several_things_waits_for_each_of_them() -> None:
    within = [{"kind": "VPC", "name": "stack"}, {"kind": "DNS zone", "name": "example.com"}]
    plan = Plan(region="eu-west-1")
    plan.resources = [{"layer": "edge", "kind": "DNS record", "name": "A example.com", "within": within}]
    plan.reached.add(("edge", "amazon.aws.route53"))
    plan.entries["VPC", "stack", ""] = Entry("network", "VPC", "stack", SAME)
    assert plan.conclude()[0].action == SAME
    for zone, action in ((SAME, SAME), (CREATE, CREATE)):
        plan.entries.pop(("DNS record", "A example.com", ""))
        plan.entries["DNS zone", "example.com", ""] = Entry("dns", "DNS zone", "example.com", zone)
        (record,) = [one for one in plan.conclude() if one.kind == "DNS record"]
        assert record.action == action
    assert record.reason == "foretold: DNS zone example.com is made first"


def test_a_hidden_resource_is_compared_with_what_was_shown_of_it() -> None:
    module, tags = "community.aws.secretsmanager_secret", {"Project": "x"}
    plan = Plan(region="eu-west-1")
    plan.resources = [
        {"layer": "secrets", "kind": "secret", "name": name, "live": {"tags_dict": tags}} for name in ("a", "b", "c")
    ]
    shown: dict[str, Any] = {"a": {"arn": "arn:a", "tags_dict": tags}, "b": {"arn": "b", "tags_dict": {"Old": "y"}}}
    for name in ("a", "b", "c"):
        result = {"changed": False, **({"secret": shown[name]} if name in shown else {})}
        plan.observe("secrets", module, {**result, "invocation": {"module_args": {"name": name}}})
    plan.observe("secrets", module, {"changed": True, "censored": "no_log"})
    assert [(one.name, one.action) for one in plan.conclude()] == [("a", SAME), ("b", CHANGE), ("c", CREATE)]
    (changed,) = [one for one in plan.conclude() if one.action == CHANGE]
    assert changed.fields == (Field("tags_dict.Project", None, "x"), Field("tags_dict.Old", "y", None))

    # What nobody explains stays unknown.
    plan.entries.clear()
    plan.live = {("secret", name): {"arn": "arn", "tags_dict": tags} for name in ("a", "b", "c")}
    assert {one.action for one in plan.conclude()} == {UNKNOWN}


def test_what_aws_is_deleting_would_be_made_again() -> None:
    plan = Plan(region="eu-west-1")
    groups = [{"auto_scaling_group_name": "a", "status": "Delete in progress"}, {"auto_scaling_group_name": "b"}]
    plan.observe("compute", "amazon.aws.autoscaling_group_info", {"results": groups})
    for name in ("a", "b"):
        given = {"module_args": {"name": name}}
        plan.observe("compute", "amazon.aws.autoscaling_group", {"changed": True, "invocation": given})
    assert {one.name: one.action for one in plan.conclude()} == {"a": CREATE, "b": CHANGE}


def test_a_route_table_says_which_way_out_and_which_subnet() -> None:
    plan = Plan(region="eu-west-1")
    known = [{"subnet_id": "subnet-a", "cidr_block": "10.0.0.0/24"}]
    plan.observe("network", "amazon.aws.ec2_vpc_subnet_info", {"subnets": known})
    given: dict[str, Any] = {"module_args": {"cidr": "10.0.1.0/24"}}
    plan.observe("network", "amazon.aws.ec2_vpc_subnet", {"subnet": {"id": "subnet-b"}, "invocation": given})
    live = {
        "id": "rtb-1",
        "tags": {"Name": "stack"},
        "routes": [
            {"destination_cidr_block": "10.0.0.0/16", "gateway_id": "local"},
            {"destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": "nat-old"},
            {"destination_cidr_block": "198.51.100.0/24", "gateway_id": "pcx-1"},
            {"destination_prefix_list_id": "pl-1", "gateway_id": "vpce-1"},
        ],
        "associations": [{"main": True}, {"subnet_id": "subnet-a"}, {"subnet_id": "subnet-foreign"}],
    }
    arguments: dict[str, Any] = {
        "tags": {"Name": "stack"},
        # As the module leaves its own arguments behind.
        "routes": [
            {"destination_cidr_block": "0.0.0.0/0", "nat_gateway_id": "nat-new"},
            {"dest": "::/0", "egress_only_internet_gateway_id": "eigw-1"},
            {"dest": "192.0.2.0/24", "gateway_id": None},
        ],
        "subnets": ["10.0.0.0/24", "10.0.1.0/24"],
    }
    for purged in (False, True):
        told = {"module_args": {**arguments, "purge_routes": purged}}
        plan.entries.clear()
        plan.observe(
            "network", "amazon.aws.ec2_vpc_route_table", {"changed": True, "route_table": live, "invocation": told}
        )
        (table,) = plan.conclude()
        assert set(table.fields) == {
            Field("routes[0.0.0.0/0]", "nat-old", "nat-new"),
            Field("routes[::/0]", "absent", "eigw-1"),
            Field("routes[192.0.2.0/24]", "absent", NOT_YET),
            Field("subnets[10.0.1.0/24]", "absent", "present"),
            Field("subnets[subnet-foreign]", "present", "absent"),
            *([Field("routes[198.51.100.0/24]", "pcx-1", "absent")] if purged else []),
        }


def test_a_database_is_compared_with_what_the_run_has_read() -> None:
    plan = Plan(region="eu-west-1")
    live = {"db_instance_identifier": "stack", "db_instance_class": "db.t3.micro", "multi_az": False, "tags": {}}
    plan.observe("database", "amazon.aws.rds_instance_info", {"instances": [live]})
    arguments = {"db_instance_identifier": "stack", "db_instance_class": "db.t3.small", "multi_az": False}
    for immediately, words in ((True, ""), (False, "in the next maintenance window")):
        plan.entries.clear()
        given = {"module_args": {**arguments, "apply_immediately": immediately}}
        plan.observe("database", "amazon.aws.rds_instance", {"changed": True, "invocation": given})
        (entry,) = plan.conclude()
        assert (entry.action, entry.minutes) == (CHANGE, 10)
        assert entry.fields == (Field("db_instance_class", "db.t3.micro", "db.t3.small"),)
        assert entry.interruption.startswith("db_instance_class: restarts the instance")
        assert words in entry.interruption
        assert ("maintenance window" in entry.interruption) == bool(words)


def test_listeners_are_told_apart_by_their_ports_and_compared_where_both_sides_say_something() -> None:
    plan = Plan(region="eu-west-1")
    forward = [{"type": "forward", "order": 1, "target_group_arn": "arn:tg"}]
    live = {
        "load_balancer_name": "stack",
        "idle_timeout_timeout_seconds": "60",
        "routing_http2_enabled": "true",
        "tags": {},
        "listeners": [
            {
                "port": 443,
                "certificates": [{"certificate_arn": "arn:old"}],
                "ssl_policy": "x",
                "default_actions": forward,
            },
            {"port": 8080, "default_actions": forward},
        ],
    }
    plan.observe("balancer", "amazon.aws.elb_application_lb_info", {"load_balancers": [live]})
    secure = {
        "Port": 443,
        "SslPolicy": None,
        "Certificates": [{"CertificateArn": "arn:new"}],
        "DefaultActions": [{"Type": "forward", "TargetGroupName": "stack"}],
    }
    wanted = {"name": "stack", "idle_timeout": 75, "http2": True, "listeners": [{"Port": 80}, secure]}
    told = {"changed": True, "msg": "Would have updated ALB", "invocation": {"module_args": wanted}}
    plan.observe("balancer", "amazon.aws.elb_application_lb", told)
    (entry,) = plan.conclude()
    assert entry.fields == (
        Field("idle_timeout", "60", 75),
        Field("listeners[80]", "absent", "present"),
        Field("listeners[443].certificates.certificate_arn", "arn:old", "arn:new"),
        Field("listeners[8080]", "present", "absent"),
    )


def test_rules_are_told_apart_by_their_names_and_another_choice_is_a_change() -> None:
    def rule(name: str, limit: int, action: str) -> dict[str, Any]:
        return {"name": name, "action": {action: {}}, "statement": {"rate_based_statement": {"limit": limit}}}

    wanted = {"name": "stack", "scope": "REGIONAL", "rules": [rule("limit", 1000, "count"), rule("new", 1, "block")]}
    live: dict[str, Any] = {"arn": "arn:acl", "rules": [rule("limit", 2000, "block"), rule("old", 1, "block")]}
    (entry,) = observed("community.aws.wafv2_web_acl", wanted, changed=True, **live)
    assert entry.name == "stack REGIONAL"
    assert entry.fields == (
        Field("rules[limit].action", {"block": {}}, {"count": {}}),
        Field("rules[limit].statement.rate_based_statement.limit", 2000, 1000),
        Field("rules[new]", "absent", "present"),
        Field("rules[old]", "present", "absent"),
    )


def test_what_aws_cannot_change_is_replaced_and_says_why() -> None:
    changes = [{"field": "at_rest_encryption", "from": False, "to": True}]
    arguments = {"replication_group_id": "stack"}
    (entry,) = observed("slipway.aws.elasticache_replication_group", arguments, changed=True, changes=changes)
    assert entry.action == REPLACE
    assert entry.reason.startswith("at_rest_encryption: ")
    assert entry.interruption


def test_our_own_modules_say_what_they_would_do() -> None:
    made = [{"field": "state", "from": "absent", "to": "present"}, {"field": "limit_usd", "from": None, "to": 5.0}]
    (entry,) = observed("slipway.aws.budget", {"name": "stack"}, changed=True, changes=made)
    assert (entry.action, entry.fields) == (CREATE, ())
    changed = [{"field": "limit_usd", "from": 4.0, "to": 5.0}]
    (entry,) = observed("slipway.aws.budget", {"name": "stack"}, changed=True, changes=changed)
    assert (entry.action, entry.fields) == (CHANGE, (Field("limit_usd", 4.0, 5.0),))
    (entry,) = observed("slipway.aws.budget", {"name": "stack", "state": "absent"}, changed=True, changes=[])
    assert entry.action == DELETE


def test_a_module_that_keeps_many_has_an_entry_for_each() -> None:
    changes = [
        {"field": "groups[/stack/new]", "from": None, "to": {"name": "/stack/new"}},
        {"field": "groups[/stack/nginx].retention_in_days", "from": 30, "to": 90},
        {"field": "groups[/stack/nginx].tags.Owner", "from": None, "to": "me"},
        {"field": "groups[/stack/old]", "from": {"name": "/stack/old"}, "to": None},
    ]
    groups = [{"name": "/stack/new"}, {"name": "/stack/nginx"}, {"name": "/stack/flows"}]
    entries = observed("slipway.aws.cloudwatch_log_groups", {"groups": groups}, changed=True, changes=changes)
    assert {entry.name: entry.action for entry in entries} == {
        "/stack/new": CREATE,
        "/stack/nginx": CHANGE,
        "/stack/old": DELETE,
        "/stack/flows": SAME,
    }
    assert [one.name for entry in entries if entry.action == CHANGE for one in entry.fields] == [
        "retention_in_days",
        "tags.Owner",
    ]


def test_two_tasks_that_speak_of_one_resource_make_one_entry() -> None:
    plan = Plan(region="eu-west-1")
    for field, after in (("node_type", "b"), ("tags.Owner", "me"), ("node_type", "b")):
        changes = [{"field": field, "from": "a", "to": after}]
        result = {"invocation": {"module_args": {"replication_group_id": "s"}}, "changed": True, "changes": changes}
        plan.observe("cache", "slipway.aws.elasticache_replication_group", result)
    (entry,) = plan.conclude()
    assert [one.name for one in entry.fields] == ["node_type", "tags.Owner"]


def test_another_region_is_another_resource() -> None:
    plan = Plan(region="eu-west-1")
    for region in ("eu-west-1", "us-east-1"):
        result = {"invocation": {"module_args": {"name": "alerts", "region": region}}, "changed": False}
        plan.observe("alerts", "slipway.aws.sns_topic", result)
    assert [entry.region for entry in plan.conclude()] == ["", "us-east-1"]


def test_a_module_that_nobody_knows_is_unknown_and_not_silent() -> None:
    (entry,) = observed("amazon.aws.elastic_beanstalk_app", {"app_name": "x"}, changed=True)
    assert entry.action == UNKNOWN
    assert status([entry]) == 2
    assert observed("ansible.builtin.copy", {"dest": "x"}, changed=True) == []


WITHIN = {"kind": "VPC", "name": "stack"}
WANTED: list[dict[str, Any]] = [
    {"layer": "network", "kind": "VPC", "name": "stack"},
    {"layer": "network", "kind": "subnet", "name": "10.0.0.0/24", "within": WITHIN},
    {"layer": "secrets", "kind": "secret", "name": "stack/a", "within": WITHIN},
    {"layer": "secrets", "kind": "secret", "name": "stack/b", "within": WITHIN},
    {"layer": "storage", "kind": "bucket", "name": "b", "live": {"bucket_versioning.Status": "Enabled"}},
]


def test_what_lies_inside_of_something_new_is_new() -> None:
    plan = Plan(region="eu-west-1", resources=WANTED)
    arguments = {"invocation": {"module_args": {"name": "stack"}}}
    plan.observe("network", "amazon.aws.ec2_vpc_net", {**arguments, "changed": True})
    plan.observe("secrets", "community.aws.secretsmanager_secret", {"censored": "hidden", "changed": True})
    plan.observe("network", "amazon.aws.s3_bucket_info", {"buckets": []})
    entries = plan.conclude()
    assert {entry.action for entry in entries} == {CREATE}
    assert len(entries) == len(WANTED)


def test_what_is_hidden_or_was_not_come_to_is_unknown() -> None:
    plan = Plan(region="eu-west-1", resources=WANTED)
    arguments = {"invocation": {"module_args": {"name": "stack"}}}
    plan.observe("network", "amazon.aws.ec2_vpc_net", {**arguments, "changed": False, "vpc": {"id": "vpc-1"}})
    plan.observe("secrets", "community.aws.secretsmanager_secret", {"censored": "hidden", "changed": True})
    plan.observe("storage", "amazon.aws.s3_bucket", {"msg": "does not support check mode"}, skipped=True)
    actions = {(entry.kind, entry.name): entry for entry in plan.conclude()}
    assert actions["VPC", "stack"].action == SAME
    assert actions["secret", "stack/a"].action == actions["secret", "stack/b"].action == UNKNOWN
    # No task of a subnet was come to.
    assert actions["subnet", "10.0.0.0/24"].action == UNKNOWN
    # Nobody has read the buckets, so that nothing is known, and said so.
    assert actions["bucket", "b"].action == SAME
    assert "no check mode" in actions["bucket", "b"].reason


def test_what_has_no_check_mode_is_compared_with_the_variables() -> None:
    for live, action in (("Enabled", SAME), ("Suspended", CHANGE)):
        plan = Plan(region="eu-west-1", resources=[WANTED[-1]])
        plan.observe(
            "x", "amazon.aws.s3_bucket_info", {"buckets": [{"name": "b", "bucket_versioning": {"Status": live}}]}
        )
        (entry,) = plan.conclude()
        assert entry.action == action


def test_a_task_that_had_nothing_to_do_means_that_its_resources_are_there() -> None:
    plan = Plan(region="eu-west-1", resources=WANTED[1:2])
    plan.observe("network", "amazon.aws.ec2_vpc_subnet", {}, skipped=True)
    (entry,) = plan.conclude()
    assert entry.action == SAME


def test_plan_resources_names_kinds_that_a_module_makes() -> None:
    plan = Plan(resources=[{"layer": "x", "kind": "spaceship", "name": "y"}])
    with pytest.raises(ValueError, match="spaceship"):
        plan.conclude()


# --- the table


def report(*entries: Entry, failed: bool = False) -> plan_report.Report:
    return plan_report.Report("staging", "eu-west-1", entries, prices.Total(10.0, ("cache x",)), failed)


def test_the_table_is_as_wide_off_a_terminal_and_aligned() -> None:
    entry = Entry(
        "database", "database", "stack", CHANGE, fields=(Field("multi_az", False, True),), price=12.5, minutes=10
    )
    text = plan_report.text(report(entry), width=plan_report.width(io.StringIO()))
    lines = [line for line in text.splitlines() if line.startswith(("│", "┃", "├", "└"))]
    assert len({len(line) for line in lines}) == 1
    assert "multi_az: false → true" in text
    assert "+12.50" in text
    assert "\x1b" not in text
    assert "1 to change" in text


def test_an_empty_plan_says_so_and_a_failed_one_does_not() -> None:
    assert "Nothing to do: 1 resources" in plan_report.text(report(Entry("a", "VPC", "x", SAME)), width=100)
    failed = plan_report.text(report(failed=True), width=100)
    assert "Nothing to do" not in failed
    assert "not all" in failed


def test_what_was_changed_by_hand_is_named_though_no_module_foretells_it() -> None:
    plan = Plan()
    evil = {"layer": "storage", "resource": "AWS::S3::BucketPolicy releases", "field": "Policy.Statement.Evil"}
    gone = {"layer": "balancer", "resource": "AWS::ElasticLoadBalancingV2::Listener stack HTTP 80", "field": ""}
    drift = [{**evil, "kind": "changed", "live": "x"}, {**gone, "kind": "missing"}]
    plan.observe("localhost", "slipway.aws.stack_survey", {"changed": False, "drift": drift})
    plan.observe("localhost", "slipway.aws.stack_survey", {"changed": False, "drift": []})
    found = replace(report(Entry("a", "VPC", "x", SAME)), drift=plan.drift)
    assert found.status == found.as_dict()["status"] == 2
    assert found.as_dict()["drift"] == [{**evil, "kind": "changed"}, {**gone, "kind": "missing"}]
    text = " ".join(plan_report.text(found, width=200).split())
    assert "by hand since the last run: AWS::S3::BucketPolicy releases Policy.Statement.Evil, AWS::Elastic" in text
    assert "stack HTTP 80 missing." in text
    assert "Nothing else to do" in text
    many = plan_report.text(replace(found, drift=drift * 10), width=4000)
    assert "and 8 more" in many


def test_a_layer_that_nobody_could_read_is_no_layer_without_changes() -> None:
    plan = Plan()
    reasons = ["ec2:describe_images: An error occurred (UnauthorizedOperation)"]
    plan.observe("localhost", "slipway.aws.stack_survey", {"changed": False, "unread": {"image": reasons}})
    found = replace(report(Entry("a", "VPC", "x", SAME)), unread=plan.unread)
    assert found.status == found.as_dict()["status"] == 2
    assert found.as_dict()["unread"] == {"image": reasons}
    text = " ".join(plan_report.text(found, width=200).split())
    assert f"Not seen whether somebody changed the layer image: {reasons[0]}" in text


def test_machines_read_the_same() -> None:
    entry = Entry("a", "VPC", "x", CREATE, price=None, minutes=3)
    document = report(entry, Entry("a", "subnet", "y", SAME)).as_dict()
    assert document["status"] == 2
    assert document["counts"] == counts([entry]) | {"same": 1}
    assert document["price"]["not_known"] == ["VPC x"]
    assert document["minutes_at_least"] == 3
    assert [one["action"] for one in document["entries"]] == ["create", "same"]
    assert report(entry, failed=True).as_dict()["status"] == 1
