"""Answers to public reads: the same bytes for everybody, with an entity tag, and the last known ones in an outage.

Three places are asked in turn: the cache (fresh for seconds), the database, and when the database does not answer the
last known answer, which the cache keeps for a day and each process keeps in its own memory. What everybody asks for in
an outage is known although nobody has asked before: the worker calls ``remember``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request

from config.cache import PUBLIC_READ_SECONDS, tolerant_get, tolerant_set

logger = logging.getLogger(__name__)

LAST_KNOWN_SECONDS: Final = 24 * 60 * 60
#: For so long after a failure the database is not asked again by a read that has a last known answer.
DATABASE_PAUSE_SECONDS: Final = 2.0
REMEMBERED_ANSWERS: Final = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """``at`` is the moment of the read, in seconds since 1970; ``etag`` is a strong one of the body, with quotes."""

    body: str
    etag: str
    at: float
    media_type: str


@dataclass(frozen=True, slots=True)
class Read:
    """A read of everybody. ``compute`` gives plain JSON, or a text when ``media_type`` is another one.

    ``key`` names it in the cache. With ``seconds=0`` it is kept for an outage alone: what a write changes in ways that
    nobody can list. ``mark_stale`` says in the content itself that it is a last known one, of the given moment.
    """

    key: str
    compute: Callable[[], Any]
    seconds: int = PUBLIC_READ_SECONDS
    media_type: str = "application/json"
    mark_stale: Callable[[Any, datetime], Any] | None = None


class _Memory:
    """The last known answers of this process, the least recently used go first."""

    def __init__(self) -> None:
        self.answers: OrderedDict[str, Answer] = OrderedDict()
        self.database_paused_until = 0.0

    def keep(self, key: str, answer: Answer) -> None:
        self.answers[key] = answer
        self.answers.move_to_end(key)
        while len(self.answers) > REMEMBERED_ANSWERS:
            self.answers.popitem(last=False)

    def forget(self) -> None:
        self.answers.clear()
        self.database_paused_until = 0.0


memory = _Memory()


def public_answer(request: Request, read: Read) -> HttpResponse:
    """The answer to a read; 304 when the client has it already.

    Raises:
        OperationalError, InterfaceError: the database does not answer, and nothing is known from before.
    """
    if read.seconds and (stored := tolerant_get(read.key)) is not None:
        return _response(request._request, Answer(**stored))
    if time.monotonic() < memory.database_paused_until and (known := _last_known(read.key)) is not None:
        return _stale(request._request, known, read)
    try:
        answer = _answer(read.compute(), read.media_type)
    except (OperationalError, InterfaceError) as error:
        known = _last_known(read.key)
        if known is None:
            raise
        logger.error("The database failed; %s is answered as it was last known.", read.key, exc_info=error)
        memory.database_paused_until = time.monotonic() + DATABASE_PAUSE_SECONDS
        connection.close_if_unusable_or_obsolete()
        return _stale(request._request, known, read)
    if read.seconds:
        tolerant_set(read.key, asdict(answer), timeout=read.seconds)
    _keep(read.key, answer)
    return _response(request._request, answer)


def remember(reads: Iterable[Read]) -> None:
    """Let every host know these answers for the time when the database does not answer."""
    for read in reads:
        _keep(read.key, _answer(read.compute(), read.media_type))


def _keep(key: str, answer: Answer) -> None:
    tolerant_set(_last_key(key), asdict(answer), timeout=LAST_KNOWN_SECONDS)
    memory.keep(key, answer)


def etag_of(content: Any) -> str:
    """The strong entity tag of an answer with this content, with quotes."""
    body = content if isinstance(content, str) else JSONRenderer().render(content).decode()
    return f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def _answer(content: Any, media_type: str) -> Answer:
    body = content if isinstance(content, str) else JSONRenderer().render(content).decode()
    return Answer(body=body, etag=etag_of(body), at=time.time(), media_type=media_type)


def _last_key(key: str) -> str:
    return f"last-known:{key}"


def _last_known(key: str) -> Answer | None:
    """The newer of what the cache and this process remember."""
    stored = tolerant_get(_last_key(key))
    known = [answer for answer in (Answer(**stored) if stored else None, memory.answers.get(key)) if answer is not None]
    return max(known, key=lambda answer: answer.at, default=None)


def _stale(request: HttpRequest, known: Answer, read: Read) -> HttpResponse:
    at = datetime.fromtimestamp(known.at, tz=UTC)
    if read.mark_stale is not None:
        known = _answer(read.mark_stale(json.loads(known.body), at), known.media_type)
    response = _response(request, known)
    age = max(0, round(time.time() - at.timestamp()))
    response.headers["Age"] = str(age)
    # RFC 9211 §2.4: a negative ttl is the time since the answer became stale.
    response.headers["Cache-Status"] = f"status; hit; ttl={PUBLIC_READ_SECONDS - age}; detail=database-unavailable"
    return response


def _response(request: HttpRequest, answer: Answer) -> HttpResponse:
    charset = "" if answer.media_type == "application/json" else "; charset=utf-8"
    response = HttpResponse(answer.body, content_type=f"{answer.media_type}{charset}", headers={"ETag": answer.etag})
    conditional = get_conditional_response(request, etag=answer.etag, response=response)
    assert isinstance(conditional, HttpResponse)  # noqa: S101 - one was given
    return conditional
