"""What follows from a message that is genuine."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.actors import Actor
from inbound.models import Alarm, AlarmRoute, InboundMessage
from status.models import ComponentState, Incident, IncidentSeverity, IncidentState
from status.services import component_update, incident_open, incident_update_post

logger = logging.getLogger(__name__)

#: Far longer than the replay window: no message can come back after its id is forgotten.
MESSAGE_RETENTION: Final = timedelta(days=2)
_STATES: Final = ("ALARM", "OK", "INSUFFICIENT_DATA")


def message_handle(*, message: Mapping[str, Any]) -> bool:
    """Act on a genuine message, once; answers whether it was news."""
    with transaction.atomic():
        _, created = InboundMessage.objects.get_or_create(message_id=str(message["MessageId"])[:100])
        if not created:
            return False
        match message["Type"]:
            case "SubscriptionConfirmation":
                from inbound.tasks import confirm_subscription

                url, topic = str(message["SubscribeURL"]), str(message["TopicArn"])
                transaction.on_commit(lambda: _queue_confirmation(confirm_subscription, url, topic))
            case "Notification":
                _notification(str(message["Message"]))
            case other:
                logger.warning("SNS says %s for %s.", other, message["TopicArn"])
    return True


def _queue_confirmation(confirm: Any, url: str, topic: str) -> None:
    confirm.enqueue(url, topic)


def _notification(text: str) -> None:
    """A CloudWatch alarm; whatever else a topic carries is left alone.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(content, dict):
        return
    arn, name, state = (str(content.get(key, "")) for key in ("AlarmArn", "AlarmName", "NewStateValue"))
    moment = _moment(str(content.get("StateChangeTime", "")))
    if not arn or not name or state not in _STATES or moment is None:
        return
    alarm_change(
        arn=arn[:1600], name=name[:255], state=state, reason=str(content.get("NewStateReason", "")), changed_at=moment
    )


def _moment(text: str) -> datetime | None:
    # CloudWatch writes +0000 without a colon.
    try:
        moment = parse_datetime(text[:40])
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None


@transaction.atomic
def alarm_change(*, arn: str, name: str, state: str, reason: str, changed_at: datetime) -> None:
    """Open an incident with ALARM, resolve it with OK. What is older than what is known changes nothing."""
    alarm, created = Alarm.objects.get_or_create(
        arn=arn, defaults={"name": name, "state": state, "changed_at": changed_at}
    )
    alarm = Alarm.objects.select_for_update(of=("self",)).select_related("incident").get(pk=alarm.pk)
    if not created and changed_at <= alarm.changed_at:
        return
    alarm.name, alarm.state, alarm.changed_at = name, state, changed_at
    if state == "ALARM":
        _open(alarm, reason)
    elif state == "OK":
        _resolve(alarm, reason)
    alarm.save()


def _open(alarm: Alarm, reason: str) -> None:
    if alarm.incident is not None and alarm.incident.state != IncidentState.RESOLVED:
        return
    route = AlarmRoute.objects.select_related("component").filter(alarm_name=alarm.name).first()
    alarm.incident = incident_open(
        title=f"{route.component.name}: {alarm.name}"[:160] if route else alarm.name[:160],
        message=f"A CloudWatch alarm has gone off. {reason}"[:4000],
        severity=route.severity if route else IncidentSeverity.MAJOR,
        components=[route.component] if route else [],
        component_state=ComponentState.DEGRADED if route else None,
        actor=Actor.of_system(f"alarm {alarm.name}"),
    )


def _resolve(alarm: Alarm, reason: str) -> None:
    incident, alarm.incident = alarm.incident, None
    if incident is None or incident.state == IncidentState.RESOLVED:
        return
    actor = Actor.of_system(f"alarm {alarm.name}")
    incident_update_post(
        incident=incident,
        state=IncidentState.RESOLVED,
        message=f"The CloudWatch alarm is over. {reason}"[:4000],
        actor=actor,
    )
    for component in incident.components.all():
        if component.state == ComponentState.MAINTENANCE:
            continue
        if not Incident.objects.filter(components=component, resolved_at=None).exists():
            component_update(component=component, state=ComponentState.OPERATIONAL, actor=actor)


def retention_apply() -> int:
    """Forget ids of messages that cannot come back."""
    return InboundMessage.objects.filter(received_at__lt=timezone.now() - MESSAGE_RETENTION).delete()[0]
