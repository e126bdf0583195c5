"""Which machine a visitor is, behind a known number of proxies."""

from __future__ import annotations

import gradio as gr
import pytest
from gradio.context import LocalContext
from starlette.requests import Request

from demos.server.addresses import Addresses, plain


def request(forwarded: list[str], client: str = "10.0.0.1") -> Request:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers, "client": (client, 5000)})


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, ["203.0.113.1"], "10.0.0.1"),  # nobody between: anybody may write a header
        (1, ["203.0.113.1"], "203.0.113.1"),
        (1, ["192.0.2.66, 203.0.113.1"], "203.0.113.1"),  # the visitor wrote the first one
        (2, ["192.0.2.66, 203.0.113.1, 10.0.0.2"], "203.0.113.1"),
        (3, ["203.0.113.1"], "203.0.113.1"),  # fewer than there should be
        (1, [], "10.0.0.1"),
        (1, [" , "], "10.0.0.1"),
        (1, ["<script>"], ""),
    ],
)
def test_the_address_is_counted_from_the_right(proxies: int, forwarded: list[str], address: str) -> None:
    assert Addresses(proxies).of(request(forwarded)) == address


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.1", "203.0.113.1"),
        ("203.0.113.1", "203.0.113.1"),
        ("testclient", ""),
        ("", ""),
    ],
)
def test_one_customers_addresses_are_one(address: str, found: str) -> None:
    assert plain(address) == found


def test_it_is_that_of_the_request_under_way() -> None:
    assert Addresses()() == ""
    token = LocalContext.request.set(gr.Request(request([])))
    try:
        assert Addresses()() == "10.0.0.1"
    finally:
        LocalContext.request.reset(token)
