"""The server that a database instance becomes."""

from __future__ import annotations

from rehearsal.dataplane import rds


def _parameter(name: str, value: str) -> dict[str, str]:
    return {"ParameterName": name, "ParameterValue": value}


def test_tls_is_forced_unless_the_parameter_group_waives_it() -> None:
    assert rds.tls_is_forced([])
    assert rds.tls_is_forced([_parameter("rds.force_ssl", "1")])
    assert not rds.tls_is_forced([_parameter("rds.force_ssl", "0")])


def test_plain_connections_have_no_line_when_tls_is_forced() -> None:
    lines = rds.pg_hba_conf(tls_forced=True).splitlines()
    assert not [line for line in lines if line.startswith("host ")]
    assert "hostssl all all all scram-sha-256" in lines
    assert "host all all all scram-sha-256" in rds.pg_hba_conf(tls_forced=False).splitlines()


def test_the_superuser_of_the_service_cannot_be_reached_from_outside() -> None:
    lines = rds.pg_hba_conf(tls_forced=True).splitlines()
    assert lines.index(f"hostssl all {rds.SUPERUSER} all reject") < lines.index("hostssl all all all scram-sha-256")


def test_only_postgresql_s_own_settings_reach_postgresql() -> None:
    given = [
        _parameter("rds.force_ssl", "1"),
        _parameter("log_min_duration_statement", "500"),
        _parameter("max_connections", "LEAST({DBInstanceClassMemory/9531392},5000)"),
        {"ParameterName": "unset"},
    ]
    assert rds.engine_settings(given) == {"log_min_duration_statement": "500"}


def test_a_value_cannot_end_its_line() -> None:
    text = rds.postgresql_conf({"search_path": "it's \\ here"}, 5432)
    assert "search_path = 'it''s \\\\ here'\n" in text
    assert "port = '5432'\n" in text


def test_a_password_is_quoted_as_psql_quotes() -> None:
    script = rds.account_script("app", "a'b\\c\nd", "application")
    assert "\\set password 'a''b\\\\c\\nd'\n" in script
    assert "a'b" not in script
