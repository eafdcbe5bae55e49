"""The addresses of bodies whose service does not tell one."""

from __future__ import annotations

import pytest

from rehearsal.dataplane.context import Addresses, gateway_of


def _addresses(cidr: str = "10.20.1.0/24", taken: tuple[str, ...] = ()) -> Addresses:
    return Addresses(lambda _: cidr, lambda: taken)


def test_the_router_has_the_first_address() -> None:
    assert gateway_of("10.20.0.0/16") == "10.20.0.1"


def test_addresses_come_from_the_top_and_leave_the_last_one_to_aws() -> None:
    addresses = _addresses()
    assert addresses.claim("subnet-1", "a") == "10.20.1.254"
    assert addresses.claim("subnet-1", "b") == "10.20.1.253"


def test_a_body_keeps_its_address() -> None:
    addresses = _addresses()
    assert addresses.claim("subnet-1", "a") == addresses.claim("subnet-1", "a")


def test_what_somebody_has_is_not_given_away() -> None:
    addresses = _addresses(taken=("10.20.1.254",))
    addresses.remember("subnet-1", "old", "10.20.1.253")
    assert addresses.claim("subnet-1", "new") == "10.20.1.252"
    addresses.release("old")
    assert addresses.claim("subnet-1", "newer") == "10.20.1.253"


def test_a_full_subnet_says_so() -> None:
    addresses = _addresses("10.20.1.0/28")
    for number in range(10):
        addresses.claim("subnet-1", str(number))
    with pytest.raises(LookupError, match=r"subnet-1 .* no free address"):
        addresses.claim("subnet-1", "one too many")
