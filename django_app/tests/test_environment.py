from __future__ import annotations

from pathlib import Path

import pytest

from config.environment import EnvironmentInvalid, read_environment


@pytest.fixture
def complete(tmp_path: Path) -> dict[str, str]:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    return {
        "PATH": "/usr/bin",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DJANGO_SECRET_KEY": "k" * 50,
        "DJANGO_ALLOWED_HOSTS": "app.example.com, origin.app.example.com",
        "DJANGO_SITE_URL": "https://app.example.com/",
        "DATABASE_HOST": "database.internal",
        "DATABASE_PORT": "5432",
        "DATABASE_NAME": "application",
        "DATABASE_USER": "application",
        "DATABASE_PASSWORD": "p'a s\nword",
        "DATABASE_SSLROOTCERT": str(bundle),
        "CACHE_URL": "rediss://cache.internal:6379/0",
        "CACHE_AUTH_TOKEN": "t" * 16,
    }


def test_a_complete_environment_is_parsed(complete: dict[str, str]) -> None:
    environment = read_environment(complete)

    assert environment.allowed_hosts == ("app.example.com", "origin.app.example.com")
    assert environment.site_url == "https://app.example.com"
    assert environment.database_port == 5432
    assert environment.database_password == "p'a s\nword"
    assert environment.database_conn_max_age == 60
    assert environment.log_level == "INFO"
    assert environment.static_root is None


def test_every_problem_is_named_in_one_sentence(complete: dict[str, str]) -> None:
    del complete["DJANGO_SECRET_KEY"]
    complete["DATABASE_PORT"] = "many"
    complete["DJANGO_DEBUG"] = "1"
    complete["DATABASE_PASWORD"] = "x"

    with pytest.raises(EnvironmentInvalid) as refusal:
        read_environment(complete)

    sentence = str(refusal.value)
    assert sentence == (
        "The environment cannot be used: DJANGO_SECRET_KEY is missing; "
        "DATABASE_PORT is 'many', not a port number from 1 to 65535; "
        "DATABASE_PASWORD is unknown (did you mean DATABASE_PASSWORD?); DJANGO_DEBUG is unknown."
    )


REQUIRED = [
    "DJANGO_SECRET_KEY",
    "DJANGO_ALLOWED_HOSTS",
    "DJANGO_SITE_URL",
    "DATABASE_HOST",
    "DATABASE_PORT",
    "DATABASE_NAME",
    "DATABASE_USER",
    "DATABASE_PASSWORD",
    "DATABASE_SSLROOTCERT",
    "CACHE_URL",
    "CACHE_AUTH_TOKEN",
]


@pytest.mark.parametrize("name", REQUIRED)
@pytest.mark.parametrize("absence", ["unset", "empty"])
def test_nothing_required_has_a_default(complete: dict[str, str], name: str, absence: str) -> None:
    del complete[name]
    if absence == "empty":
        complete[name] = ""

    with pytest.raises(EnvironmentInvalid, match=f"{name} is missing"):
        read_environment(complete)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DJANGO_SECRET_KEY", "short", "has 5 characters, and at least 50 are needed"),
        ("DJANGO_ALLOWED_HOSTS", "*", "a wildcard would switch the check"),
        ("DJANGO_ALLOWED_HOSTS", " , ", "holds no host name"),
        ("DJANGO_ALLOWED_HOSTS", "https://app.example.com", "only names without scheme"),
        ("DJANGO_ALLOWED_HOSTS", "other.example.com", "does not hold app.example.com"),
        ("DJANGO_SITE_URL", "http://app.example.com", "not an address that starts with https://"),
        ("DJANGO_SITE_URL", "https://app.example.com/status", "only scheme, host and port"),
        ("DJANGO_LOG_LEVEL", "verbose", "not one of DEBUG, INFO"),
        ("DJANGO_STATIC_ROOT", "static", "not an absolute path"),
        ("DJANGO_FORWARDED_HOPS", "ten", "not a number of proxies"),
        ("DJANGO_OUTBOUND_ALLOWED_NETWORKS", "10.0.0.1/8", "not a comma list of networks"),
        ("DJANGO_TASKS_QUEUE_URL", "tasks", "not the URL of a queue"),
        ("DJANGO_TASKS_QUEUE_URL", "https://sqs.eu-central-1.amazonaws.com/1/tasks.fifo", "a standard one is needed"),
        ("DJANGO_SNS_TOPIC_ARNS", "alarms", "not the ARN of an SNS topic"),
        ("DJANGO_SNS_ENDPOINT", "sns.example", "not a scheme, a host and a port"),
        ("DJANGO_SNS_ENDPOINT", "https://sns.example/path", "not a scheme, a host and a port"),
        ("DJANGO_SNS_ENDPOINT", "https://user@sns.example", "not a scheme, a host and a port"),
        ("DJANGO_EMAIL_URL", "http://mail", "not an address like smtps://host"),
        ("DJANGO_EMAIL_URL", "smtps://a:b@mail", "holds credentials"),
        ("DJANGO_EMAIL_URL", "smtps://mail", "DJANGO_EMAIL_URL and DJANGO_EMAIL_FROM go together"),
        ("DJANGO_EMAIL_FROM", "Status <a@b>", "not a plain e-mail address"),
        ("DJANGO_EMAIL_USER", "a", "DJANGO_EMAIL_USER and DJANGO_EMAIL_PASSWORD go together"),
        ("DATABASE_PORT", "0", "not a port number"),
        ("DATABASE_PORT", "65536", "not a port number"),
        ("DATABASE_PORT", "٥٤٣٢", "not a port number"),
        ("DATABASE_CONN_MAX_AGE", "-1", "not a whole number of seconds"),
        ("DATABASE_SSLROOTCERT", "/nowhere/bundle.pem", "cannot be read"),
        ("CACHE_URL", "redis://cache.internal:6379/0", "TLS is required"),
        ("CACHE_URL", "rediss://cache.internal:port/0", "TLS is required"),
        ("CACHE_URL", "rediss://:token@cache.internal:6379/0", "belong in CACHE_AUTH_TOKEN"),
        ("CACHE_URL", "rediss://cache.internal:6379/0?ssl_cert_reqs=none", "more than a host"),
    ],
)
def test_a_wrong_value_is_refused_with_the_reason(complete: dict[str, str], name: str, value: str, words: str) -> None:
    complete[name] = value

    with pytest.raises(EnvironmentInvalid) as refusal:
        read_environment(complete)

    assert words in str(refusal.value)


def test_no_secret_appears_in_a_message(complete: dict[str, str]) -> None:
    complete |= {
        "DJANGO_SECRET_KEY": "hunter2",
        "CACHE_URL": "redis://:hunter2@cache.internal:6379/0",
        "DATABASE_PORT": "x",
    }

    with pytest.raises(EnvironmentInvalid) as refusal:
        read_environment(complete)

    assert "hunter2" not in str(refusal.value)


def test_a_value_may_come_from_a_file(complete: dict[str, str], tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("from the file \n\n")
    del complete["DATABASE_PASSWORD"]
    complete["DATABASE_PASSWORD_FILE"] = str(secret)

    # One newline is the editor's, the rest belongs to the value.
    assert read_environment(complete).database_password == "from the file \n"


def test_a_file_that_cannot_be_read_is_named(complete: dict[str, str]) -> None:
    del complete["DATABASE_PASSWORD"]
    complete["DATABASE_PASSWORD_FILE"] = "/nowhere/password"

    with pytest.raises(EnvironmentInvalid, match=r"DATABASE_PASSWORD_FILE names /nowhere/password.*No such file"):
        read_environment(complete)


def test_a_value_and_its_file_are_one_too_many(complete: dict[str, str]) -> None:
    complete["DATABASE_PASSWORD_FILE"] = "/etc/hostname"

    with pytest.raises(EnvironmentInvalid, match="DATABASE_PASSWORD and DATABASE_PASSWORD_FILE are both set"):
        read_environment(complete)
