"""How PostgreSQL and the cache are reached: TLS with a verified name, and a bound on every wait."""

from __future__ import annotations

import socket
from typing import Any, Final

from redis.backoff import NoBackoff
from redis.retry import Retry

from config.environment import Environment

DATABASE_CONNECT_TIMEOUT: Final = 5  # seconds
#: Milliseconds until a server that does not even acknowledge what it is sent counts as gone: a failover leaves such.
DATABASE_SILENCE: Final = 10_000

# Seconds that one step of a dead cache may cost. The client must not try again by itself: with its own three attempts
# and growing pauses a page would wait many seconds for what PostgreSQL answers in milliseconds.
CACHE_STEP_TIMEOUT: Final = 0.25


def databases(environment: Environment) -> dict[str, dict[str, Any]]:
    """Django's DATABASES."""
    return {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": environment.database_host,
            "PORT": str(environment.database_port),
            "NAME": environment.database_name,
            "USER": environment.database_user,
            "PASSWORD": environment.database_password,
            "CONN_MAX_AGE": environment.database_conn_max_age,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {
                "sslmode": "verify-full",
                "sslrootcert": str(environment.database_sslrootcert),
                "connect_timeout": DATABASE_CONNECT_TIMEOUT,
                "tcp_user_timeout": DATABASE_SILENCE,
                # PostgreSQL cuts the name at 63 bytes; it tells an operator who holds a lock.
                "application_name": f"status {environment.release_id or '-'} {socket.gethostname()}"[:63],
            },
        }
    }


def caches(environment: Environment) -> dict[str, dict[str, Any]]:
    """Django's CACHES."""
    return {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": environment.cache_url,
            # Two releases that run side by side may shape an answer differently, so that they share no entry.
            "KEY_PREFIX": f"status:{environment.release_id or '-'}",
            "OPTIONS": {
                "PASSWORD": environment.cache_auth_token,
                # JSON and not pickle: whoever can write to the cache must not be able to run code here.
                "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
                "SOCKET_CONNECT_TIMEOUT": CACHE_STEP_TIMEOUT,
                "SOCKET_TIMEOUT": CACHE_STEP_TIMEOUT,
                "CONNECTION_POOL_KWARGS": {"retry": Retry(NoBackoff(), 0), "health_check_interval": 30},
            },
        }
    }
