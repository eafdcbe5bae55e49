"""The process that is the rehearsal's cloud: the emulated account and the data plane that gives it bodies.

usage: python -m rehearsal.cloud STATE
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import partial
from pathlib import Path

from rehearsal import images, machine
from rehearsal.certificates import CertificateAuthority
from rehearsal.dataplane.acm import Certificates
from rehearsal.dataplane.autoscaling import AutoScalingGroups
from rehearsal.dataplane.cloudfront.controller import Distributions
from rehearsal.dataplane.context import Context
from rehearsal.dataplane.ec2 import Instances
from rehearsal.dataplane.elasticache import Caches
from rehearsal.dataplane.elbv2 import LoadBalancers
from rehearsal.dataplane.firewall import SecurityGroups
from rehearsal.dataplane.interfaces import HostInterfaces
from rehearsal.dataplane.loop import Loop
from rehearsal.dataplane.mail import MailServers
from rehearsal.dataplane.metadata import EmulatedAccount, MetadataServers
from rehearsal.dataplane.rds import Databases
from rehearsal.dataplane.sns import Deliveries
from rehearsal.dataplane.vpc import Networks
from rehearsal.dataplane.work import Workers
from rehearsal.emulator.server import Emulator
from rehearsal.engine import Engine
from rehearsal.settings import Settings
from rehearsal.version import version

log = logging.getLogger("rehearsal.cloud")


def main() -> None:
    """Run until SIGTERM; the account is kept, and so are the bodies, which the next cloud adopts."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s", stream=sys.stderr
    )
    # Each request and each new connection would be a line.
    for name in ("werkzeug", "botocore", "urllib3", "boto3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    settings = Settings.from_environment(Path(sys.argv[1]).parent)
    engine = Engine(settings.state)
    authority = CertificateAuthority(settings.state)
    context = Context(
        settings=settings,
        engine=engine,
        authority=authority,
        appliance_image=images.appliance_image(authority.cert_path),
    )
    workers = Workers(lambda: context.wake())
    emulator = Emulator(
        settings.emulator_port, state=settings.state, data_plane=True, on_change=lambda *_: context.wake()
    )
    metadata = MetadataServers(EmulatedAccount(context.client), settings.metadata_port)
    mail = MailServers(settings.state / "mail", settings.mail_port)
    deliveries = Deliveries(authority)
    interfaces = HostInterfaces(partial(machine.own_bridges, settings.state))
    register = partial(_register, settings.state, version())

    def on_gateway(address: str) -> None:
        emulator.listen_on(address)
        metadata.listen(address)
        mail.listen(address)
        register()

    balancers, distributions = LoadBalancers(context), Distributions(context)
    loop = Loop(
        context,
        [
            Networks(context, on_gateway),
            Instances(context, workers),
            Databases(context, workers),
            Caches(context, workers),
            Certificates(context),
            balancers,
            SecurityGroups(context),
            AutoScalingGroups(context),
            distributions,
        ],
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.stop())
    deliveries.start()
    interfaces.start()
    emulator.start()
    register()
    log.info("the account answers at %s", settings.endpoint)
    loop.run()
    log.info("stopping; the account is kept")
    workers.stop()
    balancers.stop()
    distributions.stop()
    metadata.stop()
    mail.stop()
    deliveries.stop()
    interfaces.stop()
    emulator.stop()


def _register(state: Path, running: str) -> None:
    machine.register(
        machine.Cloud(pid=os.getpid(), state=state, version=running, bridges=tuple(sorted(machine.own_bridges(state))))
    )


if __name__ == "__main__":
    main()
