"""What a person should know before a model of the Hub is loaded: size, licence, weights and memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from sfr_core.catalog import spec_of
from sfr_core.configs import Trainable
from sfr_core.errors import HubError, InputError
from sfr_core.hub.fetch import folder_of
from sfr_core.hub.files import HubFile, Part
from sfr_core.hub.memory import FLOAT, MemoryNeed, in_words, needed_memory
from sfr_core.hub.names import clear_errors
from sfr_core.hub.phases import phases_of
from sfr_core.hub.resolve import HubModel, small_json
from sfr_core.hub.shape import architecture_of, outputs_of
from sfr_core.nets.named import build_network
from sfr_core.presets import resolve

if TYPE_CHECKING:
    import torch
    from torch import nn

    from sfr_core.hub.activations import Activations

FILTER = "safety_checker"
FIRST = "sfr-on"
SMALL: dict[str, Any] = {"optimizer": "adam8bit", "trainable": "cross-attention"}
"""What makes a run small beside the switch that spares memory."""
LATENT, TOKENS = 4, 77
"""Channels of the latents of Stable Diffusion and DiT; tokens that a text encoder of Stable Diffusion reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Sizes of a model.

    Attributes:
        trained: weights of the part that forgets. slices: of a text-to-image model, those that a run may choose alone, by Trainable.
        still: weights of all other parts that a run asks; the safety checker is not among them, but in `filter`.
        missing: bytes that are still to be downloaded.
        activations: of one picture, in half precision; None for a classifier whose network or size of pictures nobody tells.
    """

    model: HubModel
    trained: int
    slices: Mapping[str, int]
    still: int
    missing: int
    filter: int
    activations: Activations | None

    @property
    def spares(self) -> bool:
        """Whether a run can spare memory: generators can."""
        return self.model.kind != "classifier"

    @property
    def cross_attention(self) -> int:
        """Weights of the part that forgets which read a prompt; 0 where the names of the weights are not known."""
        return self.slices.get("cross-attention", 0)

    def memory(
        self, method: str, settings: Mapping[str, Any], *, spare: bool = False, half: bool = True, on_gpu: bool = True
    ) -> MemoryNeed:
        """What a run takes.

        Args:
            method: key of the methods of this kind. settings: every field of its config.
            spare: as RunConfig.memory "spare". half: passes in half precision.
            on_gpu: whether main memory, where the weights before and after the run lie, is another one.
        """
        # A file of pickles does not tell its weights' names: then all of them count as trained.
        trained = self.slices.get(str(settings.get("trainable", "full"))) or self.trained
        rest = self.trained - trained
        activations = 0 if self.activations is None else self.activations.of_batch(1, spare=spare)
        return needed_memory(
            trained=trained, rest=rest, still=self.still, whole=self.filter,
            phases=phases_of(self.model.kind, method, settings, on_gpu=on_gpu), spare=spare, half=half,
            activations=activations * (1 if half else 2),
        )  # fmt: skip

    def first(self, *, spare: bool = False, on_gpu: bool = True, **changes: Any) -> MemoryNeed:
        """What the run takes that a page or a command line without options would start: SFR-on, its preset "quick".

        Args:
            spare, on_gpu: as in `memory`; the precision is what a run's "auto" means (see room.hub_precision), for a classifier single,
            which its "auto" may come to.
            changes: fields of the method's config; those that this kind of model has none of are left out.
        """
        known = {s.name for s in spec_of(FIRST, self.model.kind).config_cls.settings()}
        changed = {name: value for name, value in changes.items() if name in known}
        settings = resolve(self.model.id, FIRST, overrides=changed, kind=self.model.kind)
        half = (spare or on_gpu) and self.spares
        return self.memory(FIRST, settings, spare=spare, half=half, on_gpu=on_gpu)

    def smallest(self, *, on_gpu: bool = True) -> MemoryNeed:
        """The same as small as switches and fields make it, without a mask."""
        return self.first(spare=self.spares, on_gpu=on_gpu, mask=False, batch_size=1, **SMALL)

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
            facts.append(f"forgetting on a GPU: {self.first().sentence()} (SFR-on, preset quick)")
        if self.activations is not None and self.spares:
            facts.append(f"with --memory spare: {self.first(spare=True).sentence()}")
            small, fields = self.first(spare=True, **SMALL), "optimizer=adam8bit"
            if self.cross_attention:
                fields += " and trainable=cross-attention"
            facts.append(f"with {fields} too: {small.sentence()}")
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
        slices=_slices(trained) if model.kind == "text-to-image" else {},
        still=still,
        filter=checker,
        missing=sum(f.size for f in model.files if not (folder / f.path).exists()),
        activations=_activations(model),
    )


def _slices(weights: Mapping[str, int]) -> dict[str, int]:
    """Elements of every slice of a U-Net (tasks/text_to_image_parts.py)."""
    from sfr_core.tasks.text_to_image_parts import in_part

    return {part: sum(n for name, n in weights.items() if in_part(name, part)) for part in get_args(Trainable)}


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


_counted: dict[str, Activations | None] = {}
"""Of each model that was counted in this process: it is asked again before every run."""


def _activations(model: HubModel) -> Activations | None:
    if model.id not in _counted:
        _counted[model.id] = _count(model) if model.trained else _count_classifier(model)
    return _counted[model.id]


def _count_classifier(model: HubModel) -> Activations | None:
    """Of two pictures, halved: layers that norm over the batch refuse a single one."""
    import torch

    from sfr_core.hub.activations import Activations, count_activations

    try:
        shape = architecture_of(model)
        if shape.size is None:
            return None
        channels, size = shape.channels or 3, shape.size

        def build() -> nn.Module:
            with torch.device("cpu"):  # some of timm's read numbers while they are built
                network = build_network(shape, classes=outputs_of(model, shape), channels=channels)
            return network.to("meta")

        found = count_activations(build, lambda dtype: (torch.zeros(2, channels, *size, dtype=dtype),), half=True)
    except (InputError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return None  # opening it says why, if it cannot be opened at all
    return Activations(-(-found.plain // 2), -(-found.spared // 2))


def _count(model: HubModel) -> Activations:
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
