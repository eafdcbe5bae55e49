"""Traces of requests, of the tasks that they queue, and of what both ask the database, to AWS X-Ray.

Off unless ``DJANGO_TRACING_SERVICE`` names the service. The load balancer begins a trace with each request
(``X-Amzn-Trace-Id``), and the log's lines carry it; here the same trace goes on, so that a line, a request and its
queries are found by one id. OpenTelemetry's SDK makes the spans; they are sent as X-Ray's own documents, signed with
the host's credentials, by a thread of their own: X-Ray that is away costs a request nothing. How many requests are
traced is what the account's sampling rules say, asked for every few minutes, without a release. A task is traced when
the request that queued it is; one that the clock queued begins a trace, and the rules may know it by its name as path.

A rule's reservoir counts for each process on its own, as X-Ray's SDKs do while they have no quota. One that shall hold
for all hosts together is asked for with GetSamplingTargets every ten seconds; here a process is traced at least so
often, and ``aws_tracing_reservoir`` times the workers of all hosts is the bound of what that costs.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

from __future__ import annotations

import fnmatch
import json
import logging
import random
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.util.types import Attributes

logger = logging.getLogger(__name__)

#: https://docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html
DOCUMENTS_A_CALL: Final = 50
DOCUMENT_BYTES: Final = 64 * 1024
QUERY_CHARACTERS: Final = 2000
RULES_SECONDS: Final = 300.0

_TRACE_ID: Final = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})")
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}")
_root: ContextVar[int | None] = ContextVar("root", default=None)


# -- the header -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Header:
    """What ``X-Amzn-Trace-Id`` says. ``parent`` is None when nobody before made a span, as behind a load balancer."""

    trace_id: int | None = None
    parent: int | None = None
    refused: bool = False


def parse_header(text: str) -> Header:
    """Read ``Self=…;Root=1-…;Parent=…;Sampled=0``; what is damaged is left out.

    ``Sampled=1`` has no say: the header may come from a browser, which shall not choose what is paid for.
    """
    fields = dict(part.strip().split("=", 1) for part in text.split(";") if "=" in part)
    root = _TRACE_ID.fullmatch(fields.get("Root", ""))
    parent = fields.get("Parent", "")
    return Header(
        trace_id=int(root[1] + root[2], 16) if root else None,
        parent=int(parent, 16) if root and _SPAN_ID.fullmatch(parent) and int(parent, 16) else None,
        refused=fields.get("Sampled") == "0",
    )


def trace_id_text(trace_id: int) -> str:
    """X-Ray's form of a trace id."""
    digits = f"{trace_id:032x}"
    return f"1-{digits[:8]}-{digits[8:]}"


class TraceIds(IdGenerator):
    """The load balancer's trace goes on; a trace that begins here has the time in its id, as X-Ray wants it."""

    def __init__(self) -> None:
        self._random = RandomIdGenerator()

    def generate_span_id(self) -> int:
        return self._random.generate_span_id()

    def generate_trace_id(self) -> int:
        root = _root.get()
        return root if root is not None else int(time.time()) << 96 | random.getrandbits(96)


# -- which requests ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """A sampling rule of the account: so many a second at least, and this share of the others."""

    name: str = "Default"
    priority: int = 10_000
    rate: float = 0.05
    reservoir: int = 1
    service: str = "*"
    host: str = "*"
    method: str = "*"
    path: str = "*"

    def matches(self, service: str, host: str, method: str, path: str) -> bool:
        """``*`` and ``?`` in a rule, in any case."""
        pairs = ((self.service, service), (self.host, host), (self.method, method), (self.path, path))
        return all(_like(pattern, value) for pattern, value in pairs)


def _like(pattern: str, value: str) -> bool:
    # To fnmatch brackets are something, to X-Ray they are not.
    return fnmatch.fnmatchcase(value.lower(), pattern.lower().replace("[", "[[]"))


def parse_rules(records: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules that a web application can be meant by, the most important one first.

    https://docs.aws.amazon.com/xray/latest/api/API_SamplingRule.html
    """
    rules = [record["SamplingRule"] for record in records]
    return tuple(
        sorted(
            (
                Rule(
                    name=rule["RuleName"],
                    priority=rule["Priority"],
                    rate=rule["FixedRate"],
                    reservoir=rule["ReservoirSize"],
                    service=rule["ServiceName"],
                    host=rule["Host"],
                    method=rule["HTTPMethod"],
                    path=rule["URLPath"],
                )
                for rule in rules
                if rule["ResourceARN"] == "*" and rule["ServiceType"] == "*" and not rule.get("Attributes")
            ),
            key=lambda rule: (rule.priority, rule.name),
        )
    )


class RuleSampler(Sampler):
    """Decides by the account's rules; until they are known by X-Ray's own default."""

    def __init__(self, service: str, fetch: Callable[[], Iterable[Mapping[str, Any]]]) -> None:
        self._service = service
        self._fetch = fetch
        self._rules: tuple[Rule, ...] = (Rule(),)
        self._asked = float("-inf")
        self._taken: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """One decision for each trace."""
        self._refresh()
        known = attributes or {}
        host, method, path = (str(known.get(key, "")) for key in ("server.address", "http.request.method", "url.path"))
        rule = next((one for one in self._rules if one.matches(self._service, host, method, path)), Rule())
        wanted = self._from_reservoir(rule) or random.random() < rule.rate  # noqa: S311
        return SamplingResult(Decision.RECORD_AND_SAMPLE if wanted else Decision.DROP, attributes)

    def _from_reservoir(self, rule: Rule) -> bool:
        """Each process on its own takes so many a second, since no process knows of the others."""
        second = int(time.monotonic())
        with self._lock:
            since, taken = self._taken.get(rule.name, (second, 0))
            taken = taken if since == second else 0
            if taken >= rule.reservoir:
                return False
            self._taken[rule.name] = (second, taken + 1)
            return True

    def _refresh(self) -> None:
        with self._lock:
            if time.monotonic() - self._asked < RULES_SECONDS:
                return
            self._asked = time.monotonic()
        # Not in the request that happens to come first.
        threading.Thread(target=self.learn, name="sampling-rules", daemon=True).start()

    def learn(self) -> None:
        """Ask for the rules; without an answer the ones that are known stay."""
        self._asked = time.monotonic()
        try:
            self._rules = parse_rules(self._fetch()) or (Rule(),)
        except (BotoCoreError, ClientError) as error:
            logger.warning("The sampling rules of X-Ray cannot be read: %s", error)

    def get_description(self) -> str:
        return "the sampling rules of AWS X-Ray"


# -- what is sent -----------------------------------------------------------------------------------------------------


def document(span: ReadableSpan) -> dict[str, Any]:
    """A span as X-Ray's segment, or as a subsegment that is sent on its own."""
    known = dict(span.attributes or {})
    made: dict[str, Any] = {
        "trace_id": trace_id_text(span.context.trace_id),
        "id": f"{span.context.span_id:016x}",
        "start_time": (span.start_time or 0) / 1e9,
        "end_time": (span.end_time or 0) / 1e9,
    }
    if span.parent is not None:
        made["parent_id"] = f"{span.parent.span_id:016x}"
    if span.kind is SpanKind.SERVER:
        made |= _segment(span, known)
    elif span.kind is SpanKind.CONSUMER:
        made |= _of_service(span) | {"annotations": {"task": span.name}}
    else:
        made |= {"type": "subsegment", "name": span.name, "namespace": "remote"}
        if statement := known.get("db.query.text"):
            made["sql"] = {"database_type": "postgresql", "sanitized_query": statement}
    exceptions = [dict(event.attributes or {}) for event in span.events if event.name == "exception"]
    if span.status.status_code is StatusCode.ERROR:
        made["fault"] = True
    if exceptions:
        # Its text may hold what a user typed; the log has it.
        told = [{"id": f"{random.getrandbits(64):016x}", "type": one.get("exception.type", "")} for one in exceptions]
        made["cause"] = {"exceptions": told}
    return made


def _of_service(span: ReadableSpan) -> dict[str, Any]:
    service = span.resource.attributes
    return {"name": service["service.name"], "service": {"version": service["service.version"]}}


def _segment(span: ReadableSpan, known: Mapping[str, Any]) -> dict[str, Any]:
    status = int(known.get("http.response.status_code", 500))
    made: dict[str, Any] = _of_service(span) | {
        "http": {
            "request": {
                "method": known["http.request.method"],
                "url": f"https://{known['server.address']}{known['url.path']}",
            },
            "response": {"status": status},
        },
        "annotations": {"route": known.get("http.route", "")},
    }
    if status >= 500:
        made["fault"] = True
    elif status >= 400:
        made["error"] = True
        if status == 429:
            made["throttle"] = True
    return made


class SegmentExporter(SpanExporter):
    """Sends spans by PutTraceSegments."""

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Called by the thread of the batch processor alone."""
        documents = [json.dumps(document(span)) for span in spans]
        fitting = [text for text in documents if len(text.encode()) <= DOCUMENT_BYTES]
        try:
            for start in range(0, len(fitting), DOCUMENTS_A_CALL):
                answer = self._client().put_trace_segments(
                    TraceSegmentDocuments=fitting[start : start + DOCUMENTS_A_CALL]
                )
                if refused := answer.get("UnprocessedTraceSegments"):
                    logger.warning("X-Ray did not take %d segments, the first because: %s", len(refused), refused[0])
        except (BotoCoreError, ClientError) as error:
            logger.warning("Traces of %d spans are lost: %s", len(spans), error)
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


@cache
def xray_client() -> Any:
    """One client a process. X-Ray that is away must not hold up the thread that sends."""
    config = Config(retries={"mode": "standard", "max_attempts": 2}, connect_timeout=3, read_timeout=5)
    return boto3.client("xray", config=config)


def sampling_rules() -> list[Mapping[str, Any]]:
    """All rules of the account."""
    pages = xray_client().get_paginator("get_sampling_rules").paginate()
    return [record for page in pages for record in page["SamplingRuleRecords"]]


# -- the request ------------------------------------------------------------------------------------------------------


def make_provider(service: str, release: str, exporter: SpanExporter, sampler: Sampler) -> TracerProvider:
    """The SDK: batches in memory (2048 spans, then the newest are dropped), sent every second, also after a fork."""
    # Who called us may have a span; whether this one is kept is not his to say.
    deciding = ParentBased(root=sampler, remote_parent_sampled=sampler, local_parent_sampled=ALWAYS_ON)
    provider = TracerProvider(
        sampler=deciding,
        resource=Resource({"service.name": service, "service.version": release}),
        id_generator=TraceIds(),
    )
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=1000))
    return provider


@cache
def tracer() -> Tracer:
    """The tracer of this process."""
    service = settings.TRACING_SERVICE
    exporter, sampler = SegmentExporter(xray_client), RuleSampler(service, sampling_rules)
    return make_provider(service, settings.RELEASE_ID, exporter, sampler).get_tracer(__name__)


class TraceMiddleware:
    """A span for each request, and one for each of its queries."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        header = parse_header(request.headers.get("X-Amzn-Trace-Id", "")[:500])
        if header.refused:
            return self._get_response(request)
        parent = Context()
        if header.trace_id is not None and header.parent is not None:
            remote = SpanContext(header.trace_id, header.parent, is_remote=True, trace_flags=TraceFlags(1))
            parent = set_span_in_context(NonRecordingSpan(remote), parent)
        token = _root.set(header.trace_id)
        try:
            return self._traced(request, parent)
        finally:
            _root.reset(token)

    def _traced(self, request: HttpRequest, parent: Context) -> HttpResponseBase:
        attributes = {
            "http.request.method": request.method or "",
            # Without the query: it may carry what nobody is to keep. The raw header: a wrong host is refused later.
            "url.path": request.path,
            "server.address": request.headers.get("Host", "")[:64],
        }
        with (
            tracer().start_as_current_span(
                request.method or "", context=parent, kind=SpanKind.SERVER, attributes=attributes
            ) as span,
            ExitStack() as stack,
        ):
            if span.is_recording():
                stack.enter_context(connection.execute_wrapper(_traced_query))
            response = self._get_response(request)
            span.set_attribute("http.response.status_code", response.status_code)
            if request.resolver_match is not None:
                span.set_attribute("http.route", request.resolver_match.route)
            return response


def _traced_query(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """https://docs.djangoproject.com/en/stable/topics/db/instrumentation/"""
    # The statement with placeholders; the values stay here.
    attributes = {"db.query.text": sql[:QUERY_CHARACTERS]}
    with tracer().start_as_current_span(connection.alias, kind=SpanKind.CLIENT, attributes=attributes):
        return execute(sql, params, many, context)


# -- the queue --------------------------------------------------------------------------------------------------------


def sent_header() -> str:
    """What a message says of the trace that it is sent in; empty when there is none.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
    """
    context = get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    root = trace_id_text(context.trace_id)
    return f"Root={root};Parent={context.span_id:016x};Sampled={int(context.trace_flags.sampled)}"


@contextmanager
def traced_task(name: str, text: str) -> Iterator[None]:
    """A span for a task and one for each of its queries, in the trace of whoever queued it."""
    header = parse_header(text)
    parent = Context()
    if header.trace_id is not None and header.parent is not None:
        # Not remote: the header is our own, so that what was decided for the request holds for its tasks.
        flags = TraceFlags(0 if header.refused else 1)
        known = SpanContext(header.trace_id, header.parent, is_remote=False, trace_flags=flags)
        parent = set_span_in_context(NonRecordingSpan(known), parent)
    with (
        tracer().start_as_current_span(
            name, context=parent, kind=SpanKind.CONSUMER, attributes={"url.path": name}
        ) as span,
        ExitStack() as stack,
    ):
        if span.is_recording():
            stack.enter_context(connection.execute_wrapper(_traced_query))
        yield
