from __future__ import annotations

from django.tasks import task

from inbound import services
from inbound.sns import fetch_of_sns, pinned_url


@task
def confirm_subscription(url: str, topic: str) -> None:
    """Tell SNS that this endpoint wants the topic; confirming again changes nothing.

    https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.confirm.html
    """
    answer = fetch_of_sns(pinned_url(url, topic=topic, certificate=False))
    if answer.status != 200:
        raise RuntimeError(f"SNS answered {answer.status} to the confirmation of {topic}.")


@task
def apply_retention() -> None:
    services.retention_apply()
