"""Parameter groups of ElastiCache and RDS: spelling, what a family would refuse, and how RDS is asked."""

from __future__ import annotations

import pytest
from ansible_collections.slipway.aws.plugins.module_utils.desired_state import Fields, RefusalError
from ansible_collections.slipway.aws.plugins.module_utils.parameter_group import desired_parameters, user_parameters
from ansible_collections.slipway.aws.plugins.module_utils.rds_api import apply_method
from ansible_collections.slipway.aws.plugins.modules.elasticache_parameter_group import CacheParameterGroup
from ansible_collections.slipway.aws.plugins.modules.rds_parameter_group import DBParameterGroup

KNOWN: dict[str, Fields] = {
    "maxmemory-policy": {"AllowedValues": "volatile-lru,allkeys-lru,noeviction", "DataType": "string"},
    "activerehashing": {"AllowedValues": "yes,no", "DataType": "string"},
    "timeout": {"AllowedValues": "0,20-", "DataType": "integer"},
    "slowlog-max-len": {"AllowedValues": "0-1000", "DataType": "integer"},
    "maxclients": {"AllowedValues": "1-65000", "DataType": "integer", "IsModifiable": False},
}


@pytest.mark.parametrize(
    ("given", "have", "purge", "expected"),
    [
        ({"activerehashing": True}, {}, True, {"activerehashing": "yes"}),
        ({"slowlog-max-len": 128}, {}, True, {"slowlog-max-len": "128"}),
        ({}, {"timeout": "30"}, True, {"timeout": None}),
        ({}, {"timeout": "30"}, False, {}),
        ({"timeout": 30}, {"timeout": "30"}, True, {"timeout": "30"}),
    ],
)
def test_parameters_are_spelt_as_elasticache_does(
    given: Fields, have: dict[str, str], purge: bool, expected: Fields
) -> None:
    assert desired_parameters(given, KNOWN, have, CacheParameterGroup.spelling, purge=purge) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"maxmemory-polcy": "x"}, "Did you mean maxmemory-policy"),
        ({"maxmemory-policy": "allkeys-lrv"}, "Did you mean allkeys-lru"),
        ({"slowlog-max-len": 1001}, "takes 0-1000"),
        ({"slowlog-max-len": "many"}, "takes 0-1000"),
        ({"maxclients": 10}, "cannot be changed"),
    ],
)
def test_a_parameter_that_the_family_would_refuse_is_refused(given: Fields, message: str) -> None:
    with pytest.raises(RefusalError, match=message):
        desired_parameters(given, KNOWN, {}, CacheParameterGroup.spelling, purge=True)


def test_only_what_a_user_has_set_is_a_parameter_of_the_group() -> None:
    parameters = [
        {"ParameterName": "timeout", "ParameterValue": "30", "Source": "user"},
        {"ParameterName": "databases", "ParameterValue": "16", "Source": "system"},
    ]
    assert user_parameters(parameters) == {"timeout": "30"}


OF_POSTGRES: dict[str, Fields] = {
    "rds.force_ssl": {"AllowedValues": "0,1", "DataType": "boolean", "ApplyType": "dynamic"},
    "max_connections": {"AllowedValues": "6-262143", "DataType": "integer", "ApplyType": "static"},
    "shared_preload_libraries": {
        "AllowedValues": "auto_explain,pgaudit,pg_stat_statements",
        "DataType": "list",
        "ApplyType": "static",
    },
}


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("rds.force_ssl", True, "1"),
        ("rds.force_ssl", 0, "0"),
        ("max_connections", "{DBInstanceClassMemory/9531392}", "{DBInstanceClassMemory/9531392}"),
        ("shared_preload_libraries", "pg_stat_statements,auto_explain", "pg_stat_statements,auto_explain"),
    ],
)
def test_rds_has_its_own_spelling(name: str, value: object, text: str) -> None:
    assert desired_parameters({name: value}, OF_POSTGRES, {}, DBParameterGroup.spelling, purge=True) == {name: text}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rds.force_ssl", "on", "RDS takes one of 0,1"),
        ("max_connections", 5, "RDS takes 6-262143"),
        ("shared_preload_libraries", "pg_stat_statements,pgaudt", "Did you mean pgaudit"),
    ],
)
def test_what_rds_would_refuse_is_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(RefusalError, match=message):
        desired_parameters({name: value}, OF_POSTGRES, {}, DBParameterGroup.spelling, purge=True)


def test_a_static_parameter_waits_for_a_restart_and_no_other() -> None:
    methods = {name: apply_method(parameter) for name, parameter in OF_POSTGRES.items()}
    assert methods == {
        "rds.force_ssl": "immediate",
        "max_connections": "pending-reboot",
        "shared_preload_libraries": "pending-reboot",
    }
