"""What the owner of a server sets by environment variables, read once at the start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from demos.text import server as texts
from sfr_core.data.public import public_mode
from sfr_core.errors import InputError

MOST_PROXIES = 9
RAY_CORES, MOST_CORES = 2, 256
SPACE_PROXIES = 1
"""What stands between a Space and its visitors."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How this server is reached.

    Attributes:
        public: strangers use it (PLAYGROUND_PUBLIC, see `public_mode`): one address takes only a share of the queue, and `hosts` counts.
        hosts: names under which a public server answers (PLAYGROUND_HOSTS, commas between them; in a Space its own).
        proxies: proxies between the visitors and the server (PLAYGROUND_PROXIES; in a Space 1), each of which adds to X-Forwarded-For.
        ray: cluster that computes the runs (PLAYGROUND_RAY: "auto" or an address); "" computes here.
        ray_cores: CPU cores of each of its workers (PLAYGROUND_RAY_CORES).
    """

    public: bool = False
    hosts: tuple[str, ...] = ()
    proxies: int = 0
    ray: str = ""
    ray_cores: int = RAY_CORES

    @classmethod
    def of_environment(cls, found: Mapping[str, str] = os.environ) -> Settings:
        """The settings of this process.

        Raises:
            InputError: a number is none, or too large.
        """
        names = found.get("PLAYGROUND_HOSTS") or found.get("SPACE_HOST", "")
        hosts = tuple(name.strip().casefold() for name in names.split(",") if name.strip())
        proxies = found.get("PLAYGROUND_PROXIES", "").strip() or str(SPACE_PROXIES if found.get("SPACE_ID") else 0)
        if not (_is_number(proxies) and int(proxies) <= MOST_PROXIES):
            raise InputError(texts.BAD_PROXIES.format(most=MOST_PROXIES), hint=texts.BAD_PROXIES_HINT)
        cores = found.get("PLAYGROUND_RAY_CORES", "").strip() or str(RAY_CORES)
        if not (_is_number(cores) and 1 <= int(cores) <= MOST_CORES):
            raise InputError(texts.BAD_CORES.format(most=MOST_CORES), hint=texts.BAD_CORES_HINT)
        return cls(public_mode(), hosts, int(proxies), found.get("PLAYGROUND_RAY", "").strip(), int(cores))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10
