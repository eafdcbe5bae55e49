"""One shape for whatever goes wrong, wherever it does."""

from __future__ import annotations

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path

from config.problems import field_problems
from config.urls import handler400, handler403, handler404, handler500  # noqa: F401 - read from the urlconf
from config.urls import urlpatterns as real_urlpatterns
from tests.conftest import SiteClient
from tests.stores import dead_database


def explode(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("secret detail")


urlpatterns = [path("api/explode/", explode), *real_urlpatterns]


def test_an_unknown_address_of_the_api(site: SiteClient) -> None:
    response = site.get("/api/nothing/", headers={"accept": "text/html"})

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json() == {"title": "Not Found", "status": 404, "detail": "There is nothing at this address."}


def test_an_unknown_address_elsewhere_is_a_page_for_a_person(site: SiteClient) -> None:
    response = site.get("/nothing/", headers={"accept": "text/html"})

    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/html")


def test_a_wrong_host_is_a_problem_document() -> None:
    response = Client(headers={"host": "evil.example", "x-forwarded-proto": "https"}).get("/api/summary/")

    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"


def test_a_wrong_method(site: SiteClient) -> None:
    response = site.write("DELETE", "/api/summary/")

    assert response.status_code in (401, 405)
    assert response.headers["Content-Type"] == "application/problem+json"


@override_settings(ROOT_URLCONF="tests.test_problems")
def test_an_unexpected_error_tells_nothing_of_itself(site: SiteClient, caplog: pytest.LogCaptureFixture) -> None:
    site.raise_request_exception = False
    response = site.get("/api/explode/")

    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "secret detail" not in response.content.decode()
    assert "secret detail" in caplog.text


def test_nested_errors_become_pointers() -> None:
    detail = {"lines": [{}, {"amount": ["Too much."]}], "non_field_errors": ["Does not fit."]}

    assert list(field_problems(detail)) == [
        {"pointer": "#/lines/1/amount", "detail": "Too much."},
        {"pointer": "#", "detail": "Does not fit."},
    ]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_said_to_be_away(site: SiteClient) -> None:
    with dead_database():
        response = site.get("/api/summary/")

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["detail"] == "The database cannot be reached right now."


@pytest.mark.django_db
def test_plain_http_is_sent_to_https() -> None:
    response = Client(headers={"host": "app.example.com", "x-forwarded-proto": "http"}).get("/api/summary/")

    assert response.status_code == 301
    assert response.headers["Location"] == "https://app.example.com/api/summary/"


@pytest.mark.django_db
def test_security_headers(site: SiteClient) -> None:
    headers = site.get("/admin/login/").headers

    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "script-src 'self'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
