from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError
from django.db import DatabaseError, connection
from django.http import HttpResponse
from django.test import RequestFactory
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Decision

from config import tracing
from config.tracing import Header, Rule, RuleSampler, SegmentExporter, TraceMiddleware, parse_header, parse_rules

ROOT = "1-67891233-abcdef012345678912345678"
TRACE = int("67891233abcdef012345678912345678", 16)


# -- the header --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "header"),
    [
        (f"Root={ROOT}", Header(TRACE)),
        (
            f"Self=1-67891234-12456789abcdef012345678;Root={ROOT};Parent=53995c3f42cd8ad8",
            Header(TRACE, 0x53995C3F42CD8AD8),
        ),
        (f"Root={ROOT};Sampled=0", Header(TRACE, refused=True)),
        # Whoever asks shall not choose what is paid for.
        (f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1", Header(TRACE, 0x53995C3F42CD8AD8)),
        ("Self=0123456789abcdef", Header()),
        ("Parent=53995c3f42cd8ad8", Header()),
        (f"Root={ROOT};Parent=0000000000000000", Header(TRACE)),
        ("Root=1-zz;;=;Parent", Header()),
        ("", Header()),
    ],
)
def test_the_header(text: str, header: Header) -> None:
    assert parse_header(text) == header


# -- which requests ----------------------------------------------------------------------------------------------------


def record(**fields: Any) -> dict[str, Any]:
    rule = {
        "RuleName": "r",
        "Priority": 100,
        "FixedRate": 0.0,
        "ReservoirSize": 0,
        "ServiceName": "*",
        "ServiceType": "*",
        "Host": "*",
        "HTTPMethod": "*",
        "URLPath": "*",
        "ResourceARN": "*",
        "Version": 1,
    }
    return {"SamplingRule": rule | fields}


def decides(sampler: RuleSampler, path: str = "/api/", method: str = "GET") -> bool:
    attributes = {"server.address": "app.example.com", "http.request.method": method, "url.path": path}
    return sampler.should_sample(None, TRACE, "GET", attributes=attributes).decision is Decision.RECORD_AND_SAMPLE


def test_the_most_important_rule_that_matches_decides() -> None:
    sampler = RuleSampler(
        "status",
        lambda: [
            record(RuleName="Default", Priority=10000, FixedRate=1.0),
            record(RuleName="never", Priority=1, URLPath="/api/*", HTTPMethod="GET"),
            record(RuleName="others", Priority=2, ServiceName="another", FixedRate=0.0),
            record(RuleName="lambda", Priority=3, ServiceType="AWS::Lambda::Function"),
        ],
    )
    sampler.learn()
    assert not decides(sampler, "/API/summary/")
    assert decides(sampler, "/admin/")
    assert decides(sampler, method="POST")


def test_brackets_mean_nothing() -> None:
    assert Rule(path="/a[b]/*").matches("s", "h", "GET", "/a[b]/c")
    assert not Rule(path="/a[b]/*").matches("s", "h", "GET", "/ab/c")


def test_so_many_a_second_whatever_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    sampler = RuleSampler("status", lambda: [record(ReservoirSize=2)])
    sampler.learn()
    assert [decides(sampler) for _ in range(4)] == [True, True, False, False]
    now[0] = 101.0
    assert [decides(sampler) for _ in range(3)] == [True, True, False]


def test_without_an_answer_the_rules_stay(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[Any] = [[record(FixedRate=1.0)], EndpointConnectionError(endpoint_url="x")]

    def fetch() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    sampler = RuleSampler("status", fetch)
    sampler.learn()
    sampler.learn()
    assert decides(sampler)
    assert "cannot be read" in caplog.text


def test_a_rule_for_something_else_is_none_of_ours() -> None:
    assert parse_rules([record(ResourceARN="arn:aws:lambda:*"), record(Attributes={"a": "b"})]) == ()


# -- a request, from the header to the wire ----------------------------------------------------------------------------


class Sink(ThreadingHTTPServer):
    """Takes what would go to X-Ray, with its headers."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sink.taken.append((self.path, dict(self.headers), body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *arguments: object) -> None:
                return

        super().__init__(("127.0.0.1", 0), Handler)

    def segments(self) -> list[dict[str, Any]]:
        return [json.loads(text) for _, _, body in self.taken for text in body["TraceSegmentDocuments"]]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def provider(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    client = boto3.client(
        "xray",
        region_name="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{sink.server_port}",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
    )
    made = tracing.make_provider("status", "r1", SegmentExporter(lambda: client), ALWAYS_ON)
    monkeypatch.setattr(tracing, "tracer", lambda: made.get_tracer("test"))
    yield made
    made.shutdown()
    client.close()


def answer(status: int, *queries: str) -> TraceMiddleware:
    def view(request: Any) -> HttpResponse:
        for query in queries:
            with connection.cursor() as cursor:
                cursor.execute(query, ["hidden-value"] if "%s" in query else None)
        return HttpResponse(status=status)

    return TraceMiddleware(view)


def ask(middleware: TraceMiddleware, trace: str, path: str = "/api/?token=hidden-query") -> None:
    middleware(RequestFactory().get(path, headers={"x-amzn-trace-id": trace, "host": "app.example.com"}))


@pytest.mark.django_db
def test_a_request_and_its_query_go_on_in_the_balancers_trace(provider: Any, sink: Sink) -> None:
    ask(answer(200, "SELECT %s::text"), f"Self=1-2-3;Root={ROOT}")
    provider.force_flush()

    (path, headers, _) = sink.taken[0]
    assert path == "/TraceSegments"
    # Signed for the service and the region, as AWS wants it.
    assert headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/xray/aws4_request" in headers["Authorization"]

    query, request = sink.segments()
    assert (request["trace_id"], query["trace_id"]) == (ROOT, ROOT)
    assert "parent_id" not in request
    assert (query["parent_id"], query["type"]) == (request["id"], "subsegment")
    assert request["name"] == "status"
    assert request["service"] == {"version": "r1"}
    assert request["http"] == {
        "request": {"method": "GET", "url": "https://app.example.com/api/"},
        "response": {"status": 200},
    }
    assert request["start_time"] <= query["start_time"] <= query["end_time"] <= request["end_time"]
    assert query["sql"]["sanitized_query"] == "SELECT %s::text"
    assert "hidden" not in json.dumps(sink.segments())


@pytest.mark.parametrize(
    ("status", "marks"), [(200, set()), (404, {"error"}), (429, {"error", "throttle"}), (503, {"fault"})]
)
def test_a_status_is_an_error_or_a_fault(provider: Any, sink: Sink, status: int, marks: set[str]) -> None:
    ask(answer(status), f"Root={ROOT};Parent=53995c3f42cd8ad8")
    provider.force_flush()
    (segment,) = sink.segments()
    assert {mark for mark in ("error", "throttle", "fault") if segment.get(mark)} == marks
    assert segment["parent_id"] == "53995c3f42cd8ad8"


@pytest.mark.django_db
def test_a_query_that_fails_is_a_fault_without_its_words(provider: Any, sink: Sink) -> None:
    with pytest.raises(DatabaseError):
        ask(answer(200, "SELECT 'hidden-text'::integer"), "")
    provider.force_flush()
    query, request = sink.segments()
    assert query["fault"]
    assert query["cause"]["exceptions"][0]["type"].endswith("DataError")
    assert "invalid input syntax" not in json.dumps(query["cause"])
    # Nobody began this trace: its id begins with the time, or X-Ray would not take it.
    assert abs(int(request["trace_id"].split("-")[1], 16) - request["start_time"]) < 60


def test_who_was_refused_is_not_traced(provider: Any, sink: Sink) -> None:
    ask(answer(200), f"Root={ROOT};Sampled=0")
    provider.force_flush()
    assert sink.taken == []


def test_an_account_that_is_away_costs_the_spans_alone(caplog: pytest.LogCaptureFixture, provider: Any) -> None:
    class Away:
        def put_trace_segments(self, **_: Any) -> Any:
            raise EndpointConnectionError(endpoint_url="x")

    spans: list[Any] = []
    lost = tracing.make_provider("status", "r1", SegmentExporter(Away), ALWAYS_ON)
    try:
        with lost.get_tracer("test").start_as_current_span("x") as span:
            spans.append(span)
        assert SegmentExporter(Away).export(spans) is SpanExportResult.FAILURE
    finally:
        lost.shutdown()
    assert "Traces of 1 spans are lost" in caplog.text
