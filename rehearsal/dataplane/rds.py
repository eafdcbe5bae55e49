"""RDS: a database instance is a PostgreSQL server under its endpoint's name, with the user, the database, the
parameter group and the TLS that the account asked for.

Multi-AZ standbys, read replicas and snapshots have no body.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from rehearsal.dataplane import managed
from rehearsal.dataplane.context import BodyKind, Context
from rehearsal.dataplane.work import Workers
from rehearsal.emulator import backchannel
from rehearsal.engine import Container, EngineError

log = logging.getLogger(__name__)

KIND: BodyKind = "database"

#: The superuser of RDS's own processes, which no customer can become.
SUPERUSER = "rdsadmin"
DATA = "/var/lib/postgresql/data"

#: PostgreSQL refuses a key that others could read, so it gets a copy of its own.
START = f"""set -eu
binaries=$(echo /usr/lib/postgresql/*/bin)
install -o postgres -g postgres -m 0600 {managed.CONFIGURATION}/server.key /var/lib/postgresql/server.key
install -o postgres -g postgres -m 0644 {managed.CONFIGURATION}/server.crt /var/lib/postgresql/server.crt
as_postgres() {{ setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }}
if [ ! -e {DATA}/ready ]; then
  rm -rf {DATA}
  as_postgres "$binaries/initdb" --pgdata={DATA} --username={SUPERUSER} --encoding=UTF8 --locale=C.UTF-8 \\
    --auth=trust >/dev/null
  touch {DATA}/ready
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups "$binaries/postgres" -D {DATA} \\
  -c config_file={managed.CONFIGURATION}/postgresql.conf -c hba_file={managed.CONFIGURATION}/pg_hba.conf
"""


def engine_settings(parameters: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """The settings of PostgreSQL itself among a parameter group's.

    RDS's own (`rds.…`) steer its processes, and a value with braces is a formula over the instance class.
    """
    return {
        parameter["ParameterName"]: parameter["ParameterValue"]
        for parameter in parameters
        if "ParameterValue" in parameter
        and not parameter["ParameterName"].startswith("rds.")
        and "{" not in parameter["ParameterValue"]
    }


def tls_is_forced(parameters: Sequence[Mapping[str, str]]) -> bool:
    """Whether plain connections are refused: RDS's default since PostgreSQL 15.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/PostgreSQL.Concepts.General.SSL.html
    """
    values = [p.get("ParameterValue", "1") for p in parameters if p["ParameterName"] == "rds.force_ssl"]
    return values[-1:] != ["0"]


def postgresql_conf(settings: Mapping[str, str], port: int) -> str:
    """The server's configuration file; the parameter group comes last and wins."""
    lines = {
        "listen_addresses": "*",
        "port": str(port),
        "ssl": "on",
        "ssl_cert_file": "/var/lib/postgresql/server.crt",
        "ssl_key_file": "/var/lib/postgresql/server.key",
        "ssl_min_protocol_version": "TLSv1.2",
        "password_encryption": "scram-sha-256",
        "unix_socket_directories": "/tmp",  # noqa: S108 (within the body)
        "log_destination": "stderr",
        **settings,
    }
    return "".join(f"{name} = {_quoted(value)}\n" for name, value in lines.items())


def pg_hba_conf(*, tls_forced: bool) -> str:
    """Who may connect: RDS's processes from within, everybody else with a password and, unless waived, TLS."""
    connection = "hostssl" if tls_forced else "host"
    return (
        f"local all {SUPERUSER} trust\n"
        f"{connection} all {SUPERUSER} all reject\n"
        f"{connection} all all all scram-sha-256\n"
    )


#: psql's script, safe to repeat. The master user is no superuser: it is a member of rds_superuser.
#: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html
ACCOUNT = """
SELECT 'CREATE ROLE rds_superuser NOLOGIN'
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_superuser') \\gexec
GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION;
SELECT format('CREATE ROLE %I', :'user')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \\gexec
ALTER ROLE :"user" LOGIN CREATEDB CREATEROLE PASSWORD :'password';
GRANT rds_superuser TO :"user";
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'user')
 WHERE :'database' <> '' AND NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \\gexec
"""


def account_script(user: str, password: str, database: str | None) -> str:
    """What psql is told, on its standard input, so that the master user and its database are the account's."""
    variables = {"user": user, "password": password, "database": database or ""}
    settings = [f"\\set {name} {_psql_quoted(value)}\n" for name, value in variables.items()]
    return "".join(settings) + ACCOUNT


def _psql_quoted(value: str) -> str:
    # psql's own quoting: a quote is doubled, and a backslash begins an escape.
    return "'" + value.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n") + "'"


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


class Databases:
    """Gives every PostgreSQL instance of the account its server."""

    def __init__(self, context: Context, workers: Workers) -> None:
        self._context = context
        self._workers = workers
        #: What each server was last told, so that it is told again only when that changed.
        self._told: dict[str, str] = {}

    def reconcile(self) -> None:
        """Bring servers and account together."""
        client = self._context.client("rds")
        containers = self._context.containers_of(KIND)
        wanted: set[str] = set()
        for page in client.get_paginator("describe_db_instances").paginate():
            for instance in page["DBInstances"]:
                if instance["Engine"] != "postgres":
                    continue
                if instance["DBInstanceStatus"] == "deleting":
                    if f"rds-{instance['DBInstanceIdentifier']}" not in containers:
                        backchannel.forget_db_instance(instance["DBInstanceIdentifier"])
                    continue
                service = _service(instance)
                if service is None:
                    continue
                wanted.add(service.name)
                container = containers.get(service.name)
                managed.publish(self._context, service, container)
                if not self._workers.busy(service.name):
                    self._reconcile_instance(client, instance, service, container)
        for name in containers.keys() - wanted:
            self._told.pop(name, None)
            self._workers.start(name, managed.remove, self._context, name)

    def _reconcile_instance(
        self,
        client: Any,
        instance: Mapping[str, Any],
        service: managed.ManagedService,
        container: Container | None,
    ) -> None:
        identifier = instance["DBInstanceIdentifier"]
        changed = self._configure(client, instance, service)
        if container is None or not container.running:
            self._told.pop(service.name, None)
            backchannel.set_db_instance_status(identifier, "creating" if container is None else "starting")
            self._workers.start(
                service.name,
                managed.start,
                self._context,
                service,
                container,
                ["sh", "-c", START],
            )
            return
        if instance["DBInstanceStatus"] == "rebooting":
            self._told.pop(service.name, None)
            self._workers.start(service.name, self._reboot, identifier, service.name)
            return
        if changed:
            self._context.engine.run("kill", "--signal=HUP", service.name)
        password = backchannel.database_master_password(identifier)
        statements = account_script(instance["MasterUsername"], password, instance.get("DBName"))
        # A digest, so that the password lies in one place less.
        told = hashlib.sha256(statements.encode()).hexdigest()
        if self._told.get(service.name) != told:
            self._workers.start(service.name, self._tell, identifier, service.name, statements, told)

    def _configure(self, client: Any, instance: Mapping[str, Any], service: managed.ManagedService) -> bool:
        """Write the server's files and say whether a running server must read them again."""
        parameters: list[Mapping[str, str]] = []
        for group in instance["DBParameterGroups"]:
            if not group["DBParameterGroupName"].startswith("default."):
                paginator = client.get_paginator("describe_db_parameters")
                for page in paginator.paginate(DBParameterGroupName=group["DBParameterGroupName"]):
                    parameters += page["Parameters"]
        issued = self._context.authority.issue(service.endpoints, name=service.name)
        place = managed.directory(self._context, service.name)
        files = {
            "postgresql.conf": postgresql_conf(engine_settings(parameters), int(instance["Endpoint"]["Port"])),
            "pg_hba.conf": pg_hba_conf(tls_forced=tls_is_forced(parameters)),
            "server.crt": issued.cert_path.read_text(),
            "server.key": issued.key_path.read_text(),
        }
        changed = [managed.write_secret(place / name, text) for name, text in files.items()]
        # The server runs as its own user and reads these two where they are mounted.
        place.chmod(0o755)
        for name in ("postgresql.conf", "pg_hba.conf"):
            (place / name).chmod(0o644)
        return any(changed)

    def _reboot(self, identifier: str, name: str) -> None:
        """Restart it, by which static parameters come into force. It is available when it answers again."""
        self._context.engine.run("restart", "--time=10", name)
        backchannel.set_db_instance_status(identifier, "starting")
        log.info("%s was rebooted", name)

    def _tell(self, identifier: str, name: str, statements: str, told: str) -> None:
        psql = ("exec", "-i", name, "psql", "-X", "-q", "-h", "/tmp", "-U", SUPERUSER, "-d", "postgres")  # noqa: S108
        try:
            self._context.engine.run(*psql, "-v", "ON_ERROR_STOP=1", stdin=statements, timeout=30)
        except EngineError as error:
            if any(words in str(error) for words in ("starting up", "No such file", "refused", "shutting down")):
                log.debug("%s does not answer yet", name)
                return
            # psql repeats a failing statement, and one of these holds the password.
            raise EngineError(f"{name} refused its master user or database") from None
        self._told[name] = told
        backchannel.set_db_instance_status(identifier, "available")
        log.info("%s is available", name)


def _service(instance: Mapping[str, Any]) -> managed.ManagedService | None:
    group = instance.get("DBSubnetGroup")
    if not group or "Endpoint" not in instance:
        return None
    subnets = sorted(group["Subnets"], key=lambda subnet: subnet["SubnetAvailabilityZone"]["Name"])
    zone = instance.get("AvailabilityZone")
    in_zone = [s for s in subnets if s["SubnetAvailabilityZone"]["Name"] == zone]
    return managed.ManagedService(
        name=f"rds-{instance['DBInstanceIdentifier']}",
        kind="database",
        endpoints=(instance["Endpoint"]["Address"],),
        vpc_id=group["VpcId"],
        subnet_id=(in_zone or subnets)[0]["SubnetIdentifier"],
        security_group_ids=tuple(g["VpcSecurityGroupId"] for g in instance["VpcSecurityGroups"]),
    )
