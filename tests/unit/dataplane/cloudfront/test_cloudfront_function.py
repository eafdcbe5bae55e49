from __future__ import annotations

import logging

import pytest

from rehearsal.dataplane.cloudfront.configuration import Function
from rehearsal.dataplane.cloudfront.errors import EdgeError
from rehearsal.dataplane.cloudfront.function import request_event, viewer_request, viewer_response
from rehearsal.dataplane.cloudfront.messages import Request, Response
from tests.unit.dataplane.cloudfront.cloudfront_support import DOMAIN, IDENTIFIER, SITE, SPA, made, request


def live(code: str) -> Function:
    return Function("arn", "tested", "cloudfront-js-2.0", code)


def on_request(code: str, asked: Request | None = None) -> Request | Response:
    return viewer_request(live(code), made(), asked or request("/a?x=1"))


def on_response(code: str, response: Response) -> Response:
    return viewer_response(live(code), made(), request("/a"), response)


def test_the_event_has_the_documented_shape() -> None:
    asked = request(
        "/path/%C3%A9?a=1&a=2&empty&b=x%20y",
        headers=[("cookie", "id=1; theme=dark"), ("accept", "text/html"), ("accept", "*/*"), ("x-real-ip", "1")],
    )
    assert request_event(asked) == {
        "method": "GET",
        "uri": "/path/%C3%A9",
        "querystring": {
            "a": {"value": "1", "multiValue": [{"value": "1"}, {"value": "2"}]},
            "empty": {"value": ""},
            "b": {"value": "x%20y"},
        },
        "headers": {
            "host": {"value": SITE},
            "accept": {"value": "text/html", "multiValue": [{"value": "text/html"}, {"value": "*/*"}]},
        },
        "cookies": {"id": {"value": "1"}, "theme": {"value": "dark"}},
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/incidents/7", "/index.html"),
        ("/", "/index.html"),
        ("/assets/app.js", "/assets/app.js"),
        ("/v1.2/page", "/index.html"),
    ],
)
def test_a_single_page_application_is_rewritten(path: str, expected: str) -> None:
    changed = on_request(SPA, request(path))
    assert isinstance(changed, Request)
    assert changed.path == expected


def test_the_query_string_stays_as_written_unless_the_function_changes_it() -> None:
    asked = request("/a?b=%2f&&c")
    same = on_request("function handler(event) { return event.request; }", asked)
    assert isinstance(same, Request)
    assert same.query == "b=%2f&&c"
    changed = on_request(
        "function handler(event) { var r = event.request; delete r.querystring.b; "
        "r.querystring.d = {value: '', multiValue: [{value: '1'}, {value: '2'}]}; return r; }",
        asked,
    )
    assert isinstance(changed, Request)
    assert changed.query == "c&d=1&d=2"


def test_headers_and_cookies_can_change() -> None:
    changed = on_request(
        "function handler(event) { var r = event.request; r.headers['x-new'] = {value: 'yes'};"
        " delete r.headers.accept; r.cookies.more = {value: '2'}; return r; }",
        request("/a", headers=[("accept", "*/*"), ("cookie", "one=1")]),
    )
    assert isinstance(changed, Request)
    assert changed.header("x-new") == "yes"
    assert changed.header("accept") is None
    assert changed.cookies == [("one", "1"), ("more", "2")]


def test_a_function_may_answer_itself() -> None:
    answer = on_request(
        "function handler(event) { return {statusCode: 302, statusDescription: 'Found', headers:"
        " {location: {value: 'https://' + event.request.headers.host.value + '/new'}},"
        " cookies: {seen: {value: '1', attributes: 'Secure; Path=/'}}, body: 'gone'}; }"
    )
    assert isinstance(answer, Response)
    assert answer.status == 302
    assert answer.header("location") == f"https://{SITE}/new"
    assert answer.header("set-cookie") == "seen=1; Secure; Path=/"
    assert answer.body == b"gone"
    assert answer.header("content-length") == "4"


def test_a_body_may_be_base64() -> None:
    answer = on_request("function handler() { return {statusCode: 200, body: {encoding: 'base64', data: 'AAEC'}}; }")
    assert isinstance(answer, Response)
    assert answer.body == b"\0\1\2"


def test_the_context_and_an_async_handler() -> None:
    answer = on_request(
        "async function handler(event) { const {context, viewer} = event; await Promise.resolve();"
        " return {statusCode: 200, body: [context.distributionDomainName, context.distributionId,"
        " context.eventType, context.requestId, viewer.ip, event.version].join(' ')}; }"
    )
    assert isinstance(answer, Response)
    assert answer.body.decode() == f"{DOMAIN} {IDENTIFIER} viewer-request request-id 127.0.0.1 1.0"


def test_nothing_is_kept_between_runs() -> None:
    code = "var n = 0; function handler() { n += 1; return {statusCode: 200, body: String(n)}; }"
    for _ in range(2):
        answer = on_request(code)
        assert isinstance(answer, Response)
        assert answer.body == b"1"


def test_the_console_is_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        on_request("function handler(event) { console.log('seen', {a: 1}); return event.request; }")
    assert 'function tested: seen {"a":1}' in caplog.text


@pytest.mark.parametrize(
    "code",
    [
        "function handler() { throw new Error('no'); }",
        "function handler() { while (true) {} }",
        "function handler() { var all = []; while (true) { all.push(new Array(1000).fill(1)); } }",
        "function handler() { return handler(); }",
        "function other() {}",
        "not JavaScript",
        "import cf from 'cloudfront'; function handler(event) { return event.request; }",
        "function handler(event) { eval('1'); return event.request; }",
        "async function handler() { throw new Error('later'); }",
        "function handler(event) { return event.request; } //" + "x" * 10_240,
    ],
)
def test_a_function_that_fails_is_a_503(code: str) -> None:
    with pytest.raises(EdgeError) as raised:
        on_request(code)
    assert (raised.value.status, raised.value.cache) == (503, "FunctionExecutionError")


@pytest.mark.parametrize(
    "code",
    [
        "function handler() {}",
        "function handler() { return 'text'; }",
        "async function handler() { await new Promise(function () {}); }",
        "function handler(event) { var r = event.request; r.method = 'POST'; return r; }",
        "function handler(event) { var r = event.request; r.uri = 'index.html'; return r; }",
        "function handler(event) { var r = event.request; r.uri = '/a b'; return r; }",
        "function handler(event) { var r = event.request; r.headers.host = {value: 'x'}; return r; }",
        "function handler(event) { var r = event.request; r.headers['x-edge-a'] = {value: 'x'}; return r; }",
        "function handler(event) { var r = event.request; r.headers['X-Upper'] = {value: 'x'}; return r; }",
        "function handler(event) { var r = event.request; r.headers.a = 'x'; return r; }",
        "function handler(event) { var r = event.request; r.headers.a = {value: 'x\\r\\nb: c'}; return r; }",
        "function handler() { return {statusCode: 99}; }",
        "function handler() { return {statusCode: '200'}; }",
        "function handler() { return {statusCode: 200, body: {encoding: 'base64', data: '*'}}; }",
        "function handler() { return {statusCode: 200, body: 'x'.repeat(41000)}; }",
    ],
)
def test_a_result_that_cloudfront_refuses_is_a_502(code: str) -> None:
    with pytest.raises(EdgeError) as raised:
        on_request(code)
    assert (raised.value.status, raised.value.cache) == (502, "FunctionValidationError")


ORIGINAL = Response(
    200, [("content-type", "text/html"), ("set-cookie", "a=1; Path=/"), ("connection", "x")], b"page", "OK"
)


def test_viewer_response_may_add_headers() -> None:
    changed = on_response(
        "function handler(event) { var r = event.response; r.headers['x-path'] = {value: event.request.uri};"
        " return r; }",
        ORIGINAL,
    )
    assert changed.header("x-path") == "/a"
    assert changed.header("content-type") == "text/html"
    assert changed.header("set-cookie") == "a=1; Path=/"
    assert changed.body == b"page"


def test_viewer_response_may_replace_the_body() -> None:
    changed = on_response(
        "function handler(event) { var r = event.response; r.statusCode = 410; r.body = 'no'; return r; }", ORIGINAL
    )
    assert (changed.status, changed.body, changed.header("content-length")) == (410, b"no", "2")


def test_viewer_response_must_return_a_response() -> None:
    with pytest.raises(EdgeError) as raised:
        on_response("function handler(event) { return event.request; }", ORIGINAL)
    assert raised.value.status == 502
