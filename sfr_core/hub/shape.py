"""Which network a classifier of the Hub is, as far as its offer or its repository says. No torch here."""

from __future__ import annotations

from sfr_core.errors import AssetError, HubError
from sfr_core.hub.offers import offer_of
from sfr_core.hub.resolve import HubModel
from sfr_core.nets.named import Architecture, from_timm_config, read_architecture

OUTPUTS = 1000
"""Classes of a network that does not say how many it has: ImageNet's, as most have."""


def says_architecture(model: HubModel) -> bool:
    """Whether nobody needs to name it."""
    offer = offer_of(model.name)
    return "architecture" in model.config or (offer is not None and bool(offer.architecture))


def architecture_of(model: HubModel, given: str | None = None) -> Architecture:
    """The architecture: the given one (nets/named.py), else that of the offer, else what config.json says.

    Raises:
        HubError: nobody names it. AssetError: it cannot be read.
    """
    offer = offer_of(model.name)
    if given or (offer is not None and offer.architecture):
        return read_architecture(given or (offer.architecture if offer is not None else ""))
    if "architecture" not in model.config:
        raise HubError(
            f"{model.name.repo} does not say which network it is.",
            hint="Name it, for example --architecture torchvision:resnet18.",
        )
    try:
        return from_timm_config(model.config)
    except (TypeError, AttributeError, IndexError) as error:
        raise AssetError(
            f"The config.json of {model.name.repo} describes no classifier ({error}).", hint="Give --architecture."
        ) from None


def outputs_of(model: HubModel, architecture: Architecture) -> int:
    """How many classes it tells apart."""
    said = model.config.get("num_classes")
    if isinstance(said, int) and not isinstance(said, bool) and said > 0:
        return said
    return OUTPUTS if architecture.classes is None else len(architecture.classes)
