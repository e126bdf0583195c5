"""Models from the Hugging Face Hub by repository and pinned revision: looked up, shown, downloaded, checked, converted.

Importing this package imports no torch and asks nobody anything. Only safetensors are ever opened.
"""

from __future__ import annotations

from sfr_core.hub.convert import convert
from sfr_core.hub.fetch import fetch
from sfr_core.hub.names import HUB, HubName, read_name
from sfr_core.hub.resolve import HubModel, resolve

__all__ = ["HUB", "HubModel", "HubName", "convert", "fetch", "read_name", "resolve"]
