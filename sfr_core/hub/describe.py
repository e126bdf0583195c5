"""What a person should know before a model of the Hub is loaded: size, licence, weights and memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfr_core.errors import HubError
from sfr_core.hub.fetch import folder_of
from sfr_core.hub.files import HubFile, Part
from sfr_core.hub.memory import FLOAT, MemoryNeed, in_words, needed_memory
from sfr_core.hub.names import clear_errors
from sfr_core.hub.resolve import HubModel, small_json

if TYPE_CHECKING:
    import torch
    from torch import nn

    from sfr_core.hub.activations import Activations

CROSS_ATTENTION = ".attn2."
"""In the names of the weights that read a prompt."""
FILTER = "safety_checker"
LATENT, TOKENS = 4, 77
"""Channels of the latents of Stable Diffusion and DiT; tokens that a text encoder of Stable Diffusion reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Sizes of a model.

    Attributes:
        trained: weights of the part that forgets; cross_attention: those of them that read a prompt.
        still: weights of all other parts that a run asks; the safety checker is not among them, but in `filter`.
        missing: bytes that are still to be downloaded.
        activations: of one picture, in half precision; None for a classifier, whose pictures are not known here.
    """

    model: HubModel
    trained: int
    cross_attention: int
    still: int
    missing: int
    filter: int
    activations: Activations | None

    def memory(
        self,
        *,
        batch: int,
        optimizer: str = "adam",
        mask: bool = True,
        spare: bool = False,
        half: bool = True,
        cross_attention: bool = False,
        teacher: bool = False,
    ) -> MemoryNeed:
        """What forgetting takes.

        Args:
            batch: pictures in the largest forward pass (a guided prediction asks twice about each).
            half: passes in half precision. cross_attention: only that part moves.
            teacher: the method asks a copy of the network as it was.
            optimizer, mask, spare: see memory.needed_memory.
        """
        trained = self.cross_attention if cross_attention else self.trained
        activations = 0 if self.activations is None else self.activations.of_batch(batch, spare=spare)
        rest, copies = self.trained - trained, 2 if teacher else 1
        return needed_memory(
            trained=trained, still=self.still + copies * rest, whole=self.filter + (copies - 1) * trained, mask=mask,
            optimizer=optimizer, spare=spare, half=half, activations=activations * (1 if half else 2),
        )  # fmt: skip

    def lines(self) -> list[str]:
        """For people, one fact a line."""
        model = self.model
        facts = [
            model.id,
            f"kind: {model.kind}; licence: {model.licence}"
            + ("; its owner asks you to accept terms" if model.gated else ""),
            f"download: {in_words(model.bytes)}"
            + (f", {in_words(self.missing)} of it still to come" if self.missing else ", all here"),
            f"weights: {self.trained:,} that forget, {self.still:,} held still",
        ]
        if model.pickles:
            facts.append(f"pickles: convert them once with: python -m sfr_core convert {model.id}")
        if self.activations is not None:
            facts.append(f"forgetting: {self.memory(batch=1).sentence()} (Adam, half precision, batch of 1)")
            facts.append(
                f"with --memory spare and adam8bit: {self.memory(batch=1, spare=True, optimizer='adam8bit').sentence()}"
            )
            if self.cross_attention:
                spare = self.memory(batch=1, spare=True, cross_attention=True)
                facts.append(f"with --memory spare, cross-attention only: {spare.sentence()}")
        return facts


def describe(model: HubModel) -> Description:
    """Reads the headers of the weights (over the network where they are not here) and counts.

    Raises:
        HubError: unreachable, or a damaged config.
    """
    trained = _weights(model, model.part(model.trained))
    held = [part for part in model.parts if part.name not in (model.trained, FILTER)]
    still, checker = (_total(model, parts) for parts in (held, [p for p in model.parts if p.name == FILTER]))
    folder = folder_of(model)
    return Description(
        model=model,
        trained=sum(trained.values()),
        cross_attention=sum(count for name, count in trained.items() if CROSS_ATTENTION in name),
        still=still,
        filter=checker,
        missing=sum(f.size for f in model.files if not (folder / f.path).exists()),
        activations=_activations(model) if model.trained else None,
    )


def _total(model: HubModel, parts: Sequence[Part]) -> int:
    return sum(count for part in parts for count in _weights(model, part).values())


def _weights(model: HubModel, part: Part) -> dict[str, int]:
    """Elements of every tensor; of pickles only their sum, as if they were of single precision."""
    if part.pickled:
        return {f.path: f.size // FLOAT for f in part.weights}
    return {
        name: count
        for file in part.weights
        if file.path.endswith(".safetensors")
        for name, count in _header(model, file).items()
    }


def _header(model: HubModel, file: HubFile) -> dict[str, int]:
    local = folder_of(model) / file.path
    if local.exists():
        return local_header(local)
    from huggingface_hub import HfApi
    from huggingface_hub.errors import SafetensorsParsingError

    try:
        with clear_errors(model.name):
            found = HfApi().parse_safetensors_file_metadata(model.name.repo, file.path, revision=model.name.revision)
    except SafetensorsParsingError:
        raise HubError(f"{file.path} of {model.name.repo} is damaged.", hint="Choose another revision.") from None
    return {name: tensor.parameter_count for name, tensor in found.tensors.items()}


def local_header(path: Path) -> dict[str, int]:
    """Elements of every tensor in a safetensors file, by name.

    Raises:
        HubError: damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as f:
            return {name: _product(f.get_slice(name).get_shape()) for name in f.keys()}  # noqa: SIM118
    except (SafetensorError, OSError):
        raise HubError(f"{path.name} is damaged.", hint="Remove it and download it again.") from None


def _product(shape: list[int]) -> int:
    out = 1
    for n in shape:
        out *= n
    return out


def _activations(model: HubModel) -> Activations:
    import torch
    from diffusers import DiTTransformer2DModel, UNet2DConditionModel

    from sfr_core.hub.activations import count_activations

    config = _part_config(model)

    def picture(dtype: torch.dtype) -> tuple[Any, ...]:
        side = int(config["sample_size"])
        x, t = torch.zeros(1, LATENT, side, side, dtype=dtype), torch.zeros(1, dtype=torch.long)
        if model.kind == "dit":
            return x, t, torch.zeros(1, dtype=torch.long)
        return x, t, torch.zeros(1, TOKENS, int(config["cross_attention_dim"]), dtype=dtype)

    build: Callable[[dict[str, Any]], nn.Module] = (
        DiTTransformer2DModel.from_config if model.kind == "dit" else UNet2DConditionModel.from_config
    )
    try:
        return count_activations(lambda: build(config), picture, half=True)
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise HubError(
            f"The config of '{model.trained}' in {model.name.repo} describes no network of ours ({error}).",
            hint="Choose another revision.",
        ) from None


def _part_config(model: HubModel) -> dict[str, Any]:
    path = f"{model.trained}/config.json"
    local = folder_of(model) / path
    if local.exists():
        values: dict[str, Any] = json.loads(local.read_text(encoding="utf-8"))
        return values
    return small_json(model.name, path)
