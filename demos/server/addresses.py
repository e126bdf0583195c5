"""From which machine a request comes, as far as the server can know."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any

from gradio.context import LocalContext

PART_OF_V6 = 64
"""Bits of an IPv6 address that a provider gives to one customer, who chooses the others as he likes."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Attributes:
    proxies: that stand between the visitors and this server, see `Settings`.
    """

    proxies: int = 0

    def __call__(self) -> str:
        """Of the request that is being answered now; "" outside of one."""
        request = LocalContext.request.get(None)
        return "" if request is None else self.of(request)

    def of(self, request: Any) -> str:
        """Of a request, by the header of the nearest proxies: what stands farther left anybody can have written.

        Args:
            request: Gradio's or Starlette's.
        """
        client = getattr(request, "client", None)
        found = str(getattr(client, "host", "") or "")
        if self.proxies:
            named = [name.strip() for name in request.headers.get("x-forwarded-for", "").split(",") if name.strip()]
            if named:
                found = named[max(0, len(named) - self.proxies)]
        return plain(found)


def plain(address: str) -> str:
    """An address as turns are counted by it: of IPv6 the part of one customer; "" where it is none."""
    try:
        found = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), PART_OF_V6), strict=False))
