"""The real settings in a real process, as the deploy and the release build start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SECRET_KEY": "".join(chr(33 + n % 90) for n in range(64)),
        "DJANGO_ALLOWED_HOSTS": "app.example.com",
        "DJANGO_SITE_URL": "https://app.example.com",
        "DATABASE_HOST": "database.invalid",
        "DATABASE_PORT": "5432",
        "DATABASE_NAME": "application",
        "DATABASE_USER": "application",
        "DATABASE_PASSWORD": "secret",
        "DATABASE_SSLROOTCERT": str(bundle),
        "CACHE_URL": "rediss://cache.invalid:6379/0",
        "CACHE_AUTH_TOKEN": "t" * 16,
    }


def manage(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=PROJECT,
        env=env | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def test_the_deploy_check_is_clean(production: dict[str, str]) -> None:
    result = manage("check", "--deploy", "--fail-level", "WARNING", env=production)

    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


def test_a_wrong_environment_stops_the_start_with_one_sentence(production: dict[str, str]) -> None:
    del production["DJANGO_SECRET_KEY"]
    production["DJANGO_DEBUG"] = "true"

    result = manage("check", env=production)

    assert result.returncode == 78
    assert result.stderr == ("The environment cannot be used: DJANGO_SECRET_KEY is missing; DJANGO_DEBUG is unknown.\n")


def test_gunicorn_gives_up_on_a_wrong_environment_instead_of_starting_workers_for_ever() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "config.wsgi"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert result.returncode == 3
    assert "The environment cannot be used: DJANGO_SECRET_KEY is missing" in result.stderr


def test_stores_are_reached_over_verified_tls(production: dict[str, str]) -> None:
    script = (
        "import json, django; django.setup()\n"
        "from django.conf import settings as s\n"
        "print(json.dumps([s.DATABASES['default']['OPTIONS'], s.CACHES['default']['LOCATION'], s.DEBUG]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        env=production | {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    options, location, debug = json.loads(result.stdout)

    assert options["sslmode"] == "verify-full"
    assert options["sslrootcert"] == production["DATABASE_SSLROOTCERT"]
    assert location.startswith("rediss://")
    assert debug is False


def test_static_files_are_collected_without_secrets_or_stores(tmp_path: Path) -> None:
    target = tmp_path / "static"
    build = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "config.settings_build",
        "DJANGO_STATIC_ROOT": str(target),
    }

    result = manage("collectstatic", "--noinput", env=build)

    assert result.returncode == 0, result.stderr
    names = json.loads((target / "staticfiles.json").read_text())["paths"]
    assert (target / names["admin/css/base.css"]).is_file()
    assert names["admin/css/base.css"] != "admin/css/base.css"


def test_the_build_knows_the_last_migrations() -> None:
    build = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "config.settings_build"}

    result = manage("migration_heads", env=build)

    heads = json.loads(result.stdout)
    assert set(heads) >= {"accounts", "admin", "auth", "contenttypes", "sessions", "status"}
    assert (PROJECT / "status" / "migrations" / f"{heads['status']}.py").is_file()
