"""Models from the Hugging Face Hub by repository and pinned revision: looked up, shown, downloaded, checked, converted.

Importing this package imports no torch and asks nobody anything. Only safetensors are ever opened.
"""

from __future__ import annotations

from sfr_core.hub.convert import convert
from sfr_core.hub.describe import SMALL, Description, check_memory, describe, hub_precision
from sfr_core.hub.fetch import fetch
from sfr_core.hub.names import HubName, read_name
from sfr_core.hub.offers import OFFERS, Offer, offer_of
from sfr_core.hub.open import look_up, open_classifier, open_for_run, open_generator, opened_generator
from sfr_core.hub.resolve import HubModel, resolve
from sfr_core.zoo.shipped import HUB

__all__ = [
    "HUB", "OFFERS", "SMALL", "Description", "HubModel", "HubName", "Offer", "check_memory", "convert", "describe", "fetch",
    "hub_precision", "look_up", "offer_of",
    "open_classifier", "open_for_run", "open_generator", "opened_generator", "read_name", "resolve",
]  # fmt: skip
