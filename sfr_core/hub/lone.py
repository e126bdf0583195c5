"""A lone U-Net in a folder of this machine, as `export --as diffusers` writes a pixel diffusion model: without names of classes, pictures
and a judge, so it can only be opened where it has the very shape of a shipped model, whose they then are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sfr_core.errors import AssetError, HubError
from sfr_core.hub.files import HubFile, Part
from sfr_core.hub.headers import local_header
from sfr_core.hub.names import HubName
from sfr_core.hub.resolve import UNKNOWN, HubModel
from sfr_core.kinds.ddpm import KIND as DDPM
from sfr_core.nets.pipelines import read_json
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.shipped import UNET, cards

CONFIG, SAMPLER, WEIGHTS = "config.json", "scheduler_config.json", "diffusion_pytorch_model.safetensors"
HINT = "Give a folder that `export --as diffusers` wrote of a shipped model's run."


def is_lone(folder: Path) -> bool:
    """Whether a folder without a model_index.json holds one."""
    try:
        return read_json(folder / CONFIG, hint=HINT).get("_class_name") == UNET
    except AssetError:
        return False


def of_lone(name: HubName, folder: Path) -> HubModel:
    """What lies in the folder, its files without hashes.

    Raises:
        HubError: a file is missing, or no shipped model has this shape.
    """
    missing = [file for file in (SAMPLER, WEIGHTS) if not (folder / file).is_file()]
    if missing:
        raise HubError(f"The U-Net in {folder} lacks its {missing[0]}.", hint=HINT)
    config = read_json(folder / CONFIG, hint=HINT)
    files = {file: HubFile(file, (folder / file).stat().st_size, None, "") for file in (CONFIG, SAMPLER, WEIGHTS)}
    part = Part("", (files[WEIGHTS],), (files[CONFIG], files[SAMPLER]))
    model = HubModel(
        name=name, kind=DDPM.id, trained="", parts=(part,), root=(), licence=UNKNOWN, gated=False, config=config
    )
    return replace(model, licence=_like(model).licence)


def lone_card(model: HubModel, folder: Path) -> ModelCard:
    """The card of one whose files lie in `folder`: of the shipped model of its shape, without what was measured of that one's weights.

    Raises:
        HubError: as `of_lone`.
    """
    (weights,) = model.part("").weights
    return replace(
        _like(model),
        id=model.id,
        title=f"{model.name.repo} (folder)",
        summary="A pixel diffusion model in a folder on this machine.",
        source="local",
        parameters=sum(local_header(folder / weights.path).values()),
        file=weights.path,
        bytes=weights.size,
        sha256=str(weights.sha256),
        folder=folder,
        recipe="",
        wall_seconds=None,
        metrics={},
        retrained=(),
        records={},
        training={},
    )


def _like(model: HubModel) -> ModelCard:
    """The shipped model of the same shape."""

    def plain(config: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in config.items() if not name.startswith("_")}

    lone = [card for card in cards() if card.architecture["name"] == UNET]
    for card in lone:
        if plain(read_json(card.folder / CONFIG, hint=HINT)) == plain(model.config):
            return card
    raise HubError(
        f"{model.name.repo} is a lone U-Net, which does not say its classes and pictures, and no shipped model has its shape.",
        hint=HINT,
    )
