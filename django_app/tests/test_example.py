from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from status.models import Component

pytestmark = pytest.mark.django_db


def test_the_example_is_loaded_once() -> None:
    call_command("load_example", stdout=io.StringIO())
    amount = Component.objects.count()
    output = io.StringIO()
    call_command("load_example", stdout=output)

    assert amount == Component.objects.count() == 4
    assert "nothing was added" in output.getvalue()
