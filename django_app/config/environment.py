"""The environment contract: read once, checked wholly, handed on as one typed value.

Every problem is named in the same sentence, so that an operator repairs the environment once and not variable by
variable. A value may come from ``NAME`` or, as container and systemd credentials do it, from the file that
``NAME_FILE`` names. Values of secrets never appear in a message.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

GUARDED_PREFIXES: Final = ("DJANGO_", "DATABASE_", "CACHE_")

# Names that Django itself, or its createsuperuser command, reads under the same prefix.
DJANGO_OWN: Final = frozenset(
    {
        "DJANGO_SETTINGS_MODULE",
        "DJANGO_COLORS",
        "DJANGO_SUPERUSER_USERNAME",
        "DJANGO_SUPERUSER_EMAIL",
        "DJANGO_SUPERUSER_PASSWORD",
    }
)

LOG_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
FORWARDED_HOPS: Final = 3  # CloudFront, the load balancer and nginx each append an address to X-Forwarded-For
TOPIC_ARN: Final = re.compile(r"arn:aws(-[a-z]+)*:sns:(?P<region>[a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}")
#: smtp is without TLS: for a relay on the same host.
EMAIL_PORTS: Final = {"smtps": 465, "smtp+starttls": 587, "smtp": 25}
#: What a sampling rule of X-Ray can name; the characters are those of a segment's name.
TRACING_SERVICE: Final = re.compile(r"[A-Za-z0-9 _.:/%&#=+\\@-]{1,64}")
MINIMUM_SECRET_KEY_LENGTH: Final = 50  # what Django's security.W009 asks for


class EnvironmentInvalid(ImproperlyConfigured):
    """The environment cannot be used; the message is one sentence that names every problem."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The checked environment of one process.

    ``site_url`` has no trailing slash; ``cache_url`` holds no credentials; ``database_conn_max_age`` is in seconds.
    """

    secret_key: str
    allowed_hosts: tuple[str, ...]
    site_url: str
    static_root: Path | None
    log_level: str
    release_id: str
    forwarded_hops: int
    tracing_service: str
    tasks_queue_url: str
    sns_topic_arns: tuple[str, ...]
    sns_endpoint: str
    email_url: str
    email_user: str
    email_password: str
    email_from: str
    outbound_allowed_networks: tuple[IPv4Network | IPv6Network, ...]
    database_host: str
    database_port: int
    database_name: str
    database_user: str
    database_password: str
    database_sslrootcert: Path
    database_conn_max_age: int
    cache_url: str
    cache_auth_token: str


class _Reader:
    """Collects values and problems, so that all problems are told at once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._asked: set[str] = set()
        self.problems: list[str] = []

    def value[T](self, name: str, parse: Callable[[str], T], fallback: T, *, required: bool = True) -> T:
        """Parse one variable; note the problem and answer ``fallback`` when that is not possible."""
        self._asked |= {name, f"{name}_FILE"}
        raw = self._raw(name)
        if raw is None:
            return fallback
        if raw == "":
            if required:
                self.problems.append(f"{name} is missing")
            return fallback
        try:
            return parse(raw)
        except ValueError as refusal:
            self.problems.append(f"{name} {refusal}")
            return fallback

    def _raw(self, name: str) -> str | None:
        """The text of a variable; ``""`` when it is not set, None when the reason is already a noted problem."""
        direct = self._environ.get(name, "")
        path = self._environ.get(f"{name}_FILE", "")
        if direct and path:
            self.problems.append(f"{name} and {name}_FILE are both set, and only one may be")
            return None
        if not path:
            return direct
        try:
            return Path(path).read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
            self.problems.append(f"{name}_FILE names {path}, which cannot be read ({reason})")
            return None

    def refuse_unknown(self) -> None:
        """Note every variable under a guarded prefix that nobody asked for."""
        known = self._asked | DJANGO_OWN
        for name in sorted(self._environ):
            if name.startswith(GUARDED_PREFIXES) and name not in known:
                close = difflib.get_close_matches(name, sorted(self._asked), n=1, cutoff=0.8)
                hint = f" (did you mean {close[0]}?)" if close else ""
                self.problems.append(f"{name} is unknown{hint}")


def _text(raw: str) -> str:
    return raw


def _secret_key(raw: str) -> str:
    if len(raw) < MINIMUM_SECRET_KEY_LENGTH:
        raise ValueError(f"has {len(raw)} characters, and at least {MINIMUM_SECRET_KEY_LENGTH} are needed")
    return raw


def _hosts(raw: str) -> tuple[str, ...]:
    hosts = tuple(part.strip() for part in raw.split(",") if part.strip())
    if not hosts:
        raise ValueError("holds no host name")
    for host in hosts:
        if "*" in host:
            raise ValueError(f"holds {host!r}, and a wildcard would switch the check of the Host header off")
        if "/" in host or ":" in host:
            raise ValueError(f"holds {host!r}, and only names without scheme, port or path are accepted")
    return hosts


def _site_url(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"is {raw!r}, not an address that starts with https://")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"is {raw!r}, and only scheme, host and port belong in it")
    return f"https://{parts.netloc}"


def _absolute_path(raw: str) -> Path:
    path = Path(raw)
    if not path.is_absolute():
        raise ValueError(f"is {raw!r}, not an absolute path")
    return path


def _readable_file(raw: str) -> Path:
    path = _absolute_path(raw)
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ValueError(f"names {raw}, which cannot be read ({error.strerror})") from error


def _port(raw: str) -> int:
    if not (raw.isascii() and raw.isdigit() and 1 <= int(raw) <= 65535):
        raise ValueError(f"is {raw!r}, not a port number from 1 to 65535")
    return int(raw)


def _seconds(raw: str) -> int:
    if not (raw.isascii() and raw.isdigit()):
        raise ValueError(f"is {raw!r}, not a whole number of seconds")
    return int(raw)


def _hops(raw: str) -> int:
    if not (raw.isascii() and raw.isdigit() and len(raw) == 1):
        raise ValueError(f"is {raw!r}, not a number of proxies from 0 to 9")
    return int(raw)


def _tracing_service(raw: str) -> str:
    if not TRACING_SERVICE.fullmatch(raw):
        raise ValueError(f"is {raw!r}, not a name of at most 64 letters, digits, spaces and _.:/%&#=+\\@-")
    return raw


def _networks(raw: str) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in raw.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"is {raw!r}, not a comma list of networks like 10.0.0.0/8 ({error})") from error


def _queue_url(raw: str) -> str:
    parts = urlsplit(raw)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.strip("/"):
        raise ValueError(f"is {raw!r}, not the URL of a queue")
    if parts.path.endswith(".fifo"):
        raise ValueError(f"is {raw!r}, a FIFO queue, and a standard one is needed")
    return raw


def _topic_arns(raw: str) -> tuple[str, ...]:
    arns = tuple(part.strip() for part in raw.split(",") if part.strip())
    for arn in arns:
        if not TOPIC_ARN.fullmatch(arn):
            raise ValueError(f"holds {arn!r}, not the ARN of an SNS topic")
    return arns


def _endpoint(raw: str) -> str:
    try:
        parts = urlsplit(raw)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in raw or raw != f"{parts.scheme}://{parts.netloc}":
        raise ValueError(f"is {raw!r}, not a scheme, a host and a port like https://host:443")
    return raw


def _email_url(raw: str) -> str:
    # The value may hold a password by mistake, so that no message repeats it.
    try:
        parts = urlsplit(raw)
        usable = parts.scheme in EMAIL_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"is not an address like smtps://host ({', '.join(EMAIL_PORTS)} are known)")
    if "@" in parts.netloc:
        raise ValueError("holds credentials, which belong in DJANGO_EMAIL_USER and DJANGO_EMAIL_PASSWORD")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("has more than a host and a port")
    return raw


def _email_address(raw: str) -> str:
    local, at, domain = raw.rpartition("@")
    if not (local and at and domain) or any(character.isspace() or character in "<>," for character in raw):
        raise ValueError(f"is {raw!r}, not a plain e-mail address")
    return raw


def _log_level(raw: str) -> str:
    if raw not in LOG_LEVELS:
        raise ValueError(f"is {raw!r}, not one of {', '.join(LOG_LEVELS)}")
    return raw


def _cache_url(raw: str) -> str:
    # The value may hold a password by mistake, so that no message repeats it.
    try:
        parts = urlsplit(raw)
        usable = parts.scheme == "rediss" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("is not an address like rediss://host:6379/0 (TLS is required)")
    if "@" in parts.netloc:
        raise ValueError("holds credentials, which belong in CACHE_AUTH_TOKEN")
    if parts.query or parts.fragment or not (parts.path in ("", "/") or parts.path[1:].isdigit()):
        raise ValueError("has more than a host, a port and a database number")
    return raw


def read_environment(environ: Mapping[str, str]) -> Environment:
    """Read and check the whole contract.

    Raises:
        EnvironmentInvalid: a value is missing or wrong, or a variable is unknown; the message names all of them.
    """
    reader = _Reader(environ)
    environment = Environment(
        secret_key=reader.value("DJANGO_SECRET_KEY", _secret_key, ""),
        allowed_hosts=reader.value("DJANGO_ALLOWED_HOSTS", _hosts, ()),
        site_url=reader.value("DJANGO_SITE_URL", _site_url, ""),
        static_root=reader.value("DJANGO_STATIC_ROOT", _absolute_path, None, required=False),
        log_level=reader.value("DJANGO_LOG_LEVEL", _log_level, "INFO", required=False),
        release_id=reader.value("RELEASE_ID", _text, "", required=False),
        forwarded_hops=reader.value("DJANGO_FORWARDED_HOPS", _hops, FORWARDED_HOPS, required=False),
        tracing_service=reader.value("DJANGO_TRACING_SERVICE", _tracing_service, "", required=False),
        tasks_queue_url=reader.value("DJANGO_TASKS_QUEUE_URL", _queue_url, "", required=False),
        sns_topic_arns=reader.value("DJANGO_SNS_TOPIC_ARNS", _topic_arns, (), required=False),
        sns_endpoint=reader.value("DJANGO_SNS_ENDPOINT", _endpoint, "", required=False),
        email_url=reader.value("DJANGO_EMAIL_URL", _email_url, "", required=False),
        email_user=reader.value("DJANGO_EMAIL_USER", _text, "", required=False),
        email_password=reader.value("DJANGO_EMAIL_PASSWORD", _text, "", required=False),
        email_from=reader.value("DJANGO_EMAIL_FROM", _email_address, "", required=False),
        outbound_allowed_networks=reader.value("DJANGO_OUTBOUND_ALLOWED_NETWORKS", _networks, (), required=False),
        database_host=reader.value("DATABASE_HOST", _text, ""),
        database_port=reader.value("DATABASE_PORT", _port, 0),
        database_name=reader.value("DATABASE_NAME", _text, ""),
        database_user=reader.value("DATABASE_USER", _text, ""),
        database_password=reader.value("DATABASE_PASSWORD", _text, ""),
        database_sslrootcert=reader.value("DATABASE_SSLROOTCERT", _readable_file, Path("/")),
        database_conn_max_age=reader.value("DATABASE_CONN_MAX_AGE", _seconds, 60, required=False),
        cache_url=reader.value("CACHE_URL", _cache_url, ""),
        cache_auth_token=reader.value("CACHE_AUTH_TOKEN", _text, ""),
    )
    reader.refuse_unknown()
    site_host = urlsplit(environment.site_url).hostname
    if site_host and environment.allowed_hosts and not _allowed(site_host, environment.allowed_hosts):
        reader.problems.append(f"DJANGO_ALLOWED_HOSTS does not hold {site_host}, the host of DJANGO_SITE_URL")
    if bool(environment.email_url) != bool(environment.email_from):
        reader.problems.append("DJANGO_EMAIL_URL and DJANGO_EMAIL_FROM go together, and one of them is missing")
    if bool(environment.email_user) != bool(environment.email_password):
        reader.problems.append("DJANGO_EMAIL_USER and DJANGO_EMAIL_PASSWORD go together, and one of them is missing")
    if reader.problems:
        raise EnvironmentInvalid(f"The environment cannot be used: {'; '.join(reader.problems)}.")
    return environment


def _allowed(host: str, patterns: tuple[str, ...]) -> bool:
    return any(host == p or (p.startswith(".") and (host == p[1:] or host.endswith(p))) for p in patterns)
