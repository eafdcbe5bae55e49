"""The server that a node of a replication group becomes."""

from __future__ import annotations

from rehearsal.dataplane import elasticache


def _lines(**given: object) -> list[str]:
    settings: dict[str, object] = {"port": 6379, "tls": True, "password": "secret", "primary": None, **given}
    return elasticache.valkey_conf(settings.pop("parameters", []), **settings).splitlines()  # type: ignore[arg-type]


def test_encryption_in_transit_leaves_no_plain_port() -> None:
    lines = _lines()
    assert "port 0" in lines
    assert "tls-port 6379" in lines


def test_without_encryption_there_is_no_tls_port() -> None:
    lines = _lines(tls=False, password=None)
    assert "port 6379" in lines
    assert not [line for line in lines if line.startswith(("tls-", "requirepass"))]


def test_a_replica_follows_the_primary_with_its_password() -> None:
    lines = _lines(primary="master.group.example")
    assert "replicaof master.group.example 6379" in lines
    assert 'masterauth "secret"' in lines


def test_the_parameter_group_comes_last_and_what_is_not_the_server_s_is_left_out() -> None:
    parameters = [
        {"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"},
        {"ParameterName": "reserved-memory-percent", "ParameterValue": "25"},
    ]
    lines = _lines(parameters=parameters)
    assert lines[-1] == 'maxmemory-policy "allkeys-lru"'


def test_a_password_cannot_add_a_directive() -> None:
    assert 'requirepass "a\\"b\\\\c"' in _lines(password='a"b\\c')
