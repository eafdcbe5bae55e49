"""A request that carries a token is done once, however often it is sent.

Clients send a request again when its answer was lost. Where AWS's models name a member of the input an idempotency
token, botocore fills it in, and AWS gives the first answer once more instead of doing it twice; moto does it twice.
Of the members that are no such tokens to botocore, but are to AWS, those that the stack's modules send are named here.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
https://docs.aws.amazon.com/Route53/latest/APIReference/API_CreateHealthCheck.html (CallerReference)
https://smithy.io/2.0/spec/behavior-traits.html#idempotencytoken-trait
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rehearsal.emulator.api_request import ApiRequest

#: AWS forgets after hours or a day; so many requests are more than are made in that time.
_REMEMBERED = 1000
_TOKENS = {
    ("ec2", "CreateFlowLogs"): ("ClientToken",),
    ("ec2", "CreateVpcEndpoint"): ("ClientToken",),
    ("route53", "CreateHealthCheck"): ("CallerReference",),
}


@dataclass(frozen=True)
class Answer:
    """What was answered to a request that was done."""

    status: str
    headers: Sequence[tuple[str, str]]
    body: Sequence[bytes]


class Answers:
    """The answers to requests with tokens. Ask with the account locked."""

    def __init__(self) -> None:
        self._given: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def once(self, request: ApiRequest, ask: Callable[[], Answer]) -> Answer:
        """The answer to the same request with the same token, if it was done; else that of the account."""
        key = _key(request)
        if key is None:
            return ask()
        with self._lock:
            if key in self._given:
                return self._given[key]
        answer = ask()
        if answer.status.startswith("2"):
            with self._lock:
                self._given[key] = answer
                while len(self._given) > _REMEMBERED:
                    self._given.popitem(last=False)
        return answer


def _key(request: ApiRequest) -> str | None:
    """None for a request without a token. The same token with other parameters is another request."""
    if request.operation is None:
        return None
    members = (*request.operation.idempotent_members, *_TOKENS.get((request.service, request.action), ()))
    if not any(request.parameters.get(member) for member in members):
        return None
    parameters = json.dumps(request.parameters, sort_keys=True, default=str)
    return f"{request.service} {request.action} {request.region} {parameters}"
