"""What a model of the Hub is, before it is loaded: sizes, network, the memory that a run takes and whether it fits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from sfr_core.catalog import spec_of
from sfr_core.catalog.base import Cost, Sizes
from sfr_core.configs import MethodConfig, RunConfig, Trainable
from sfr_core.errors import AssetError, HubError, InputError, reason
from sfr_core.hub.fetch import folder_of, missing_bytes
from sfr_core.hub.files import HubFile, Part
from sfr_core.hub.headers import local_header, remote_header
from sfr_core.hub.memory import FLOAT, Kept, MemoryNeed, in_words, kept_by_autograd, needed_memory
from sfr_core.hub.names import read_name
from sfr_core.hub.offers import offer_of
from sfr_core.hub.resolve import HubModel, recall, small_json
from sfr_core.kinds import KINDS
from sfr_core.nets.named import Architecture, build_network, from_timm_config, read_architecture
from sfr_core.nets.pipelines import CHECKER
from sfr_core.presets import default_method, resolve
from sfr_core.zoo.cards import ModelCard

if TYPE_CHECKING:
    import torch

    from sfr_core.ops.device import UsedPrecision

SMALL: dict[str, Any] = {"optimizer": "adam8bit", "trainable": "cross-attention"}
"""What makes a run small beside the switch that spares memory."""
LATENT, TOKENS = 4, 77
"""Channels of the latents of Stable Diffusion and DiT; tokens that a text encoder of Stable Diffusion reads."""
OUTPUTS = 1000
"""Classes of a network that does not say how many it has: ImageNet's, as most have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Sizes of a model.

    Attributes:
        trained: weights of the part that forgets. slices: of a text-to-image model, those that a run may choose alone, by Trainable.
        still: weights of all other parts that a run asks; the safety checker is not among them, but in `checker`.
        missing: bytes that are still to be downloaded.
        measured: memory can be told; not of a classifier whose network or size of pictures nobody tells.
    """

    model: HubModel
    trained: int
    slices: Mapping[str, int]
    still: int
    checker: int
    missing: int
    measured: bool

    @property
    def spares(self) -> bool:
        """Whether a run can spare memory: generators can; a lone U-Net is small."""
        return KINDS[self.model.kind].draws and self.measured

    @property
    def cross_attention(self) -> int:
        """Weights of the part that forgets which read a prompt; 0 where the names of the weights are not known."""
        return self.slices.get("cross-attention", 0)

    def memory(
        self, method: str, settings: Mapping[str, Any], *, spare: bool = False, half: bool = True, on_gpu: bool = True
    ) -> MemoryNeed:
        """What a run takes.

        Args:
            method: key of the methods of this kind. settings: of its config, as a RunConfig holds them.
            spare, half, on_gpu: as for `needed_memory`.
        """
        config, cost = _planned(self.model.kind, method, settings)
        # A file of pickles does not tell its weights' names: then all of them count as trained.
        trained = self.slices.get(getattr(config, "trainable", "full")) or self.trained
        kept = _kept(self.model, half=half) or Kept(0, 0)
        return needed_memory(
            cost,
            trained=trained, rest=self.trained - trained, still=self.still, checker=self.checker,
            activations=kept.spared if spare else kept.plain, optimizer=getattr(config, "optimizer", ""),
            questions=KINDS[self.model.kind].passes_per_mask, spare=spare, half=half, on_gpu=on_gpu,
        )  # fmt: skip

    def first(self, *, spare: bool = False, on_gpu: bool = True, **changes: Any) -> MemoryNeed:
        """What the run takes that a page or a command line without options would start: the model's first method, its preset "quick".

        Args:
            spare, on_gpu: as in `memory`; the precision is what a run's "auto" means (see `hub_precision`), for a classifier single,
            which its "auto" may come to.
            changes: fields of the method's config; those that this kind of model has none of are left out.
        """
        method = default_method(self.model.id, kind=self.model.kind)
        known = {s.name for s in spec_of(method, self.model.kind).config_cls.settings()}
        changed = {name: value for name, value in changes.items() if name in known}
        settings = resolve(self.model.id, method, overrides=changed, kind=self.model.kind)
        half = (spare or on_gpu) and self.spares
        return self.memory(method, settings, spare=spare, half=half, on_gpu=on_gpu)

    def smallest(self, *, on_gpu: bool = True) -> MemoryNeed:
        """The smallest memory that settings can reach: spared, no mask, batches of one, the smallest optimiser and part."""
        return self.first(spare=self.spares, on_gpu=on_gpu, mask=False, batch_size=1, **SMALL)

    def lines(self) -> list[str]:
        """For people, one fact a line."""
        model = self.model
        facts = [
            model.id,
            f"kind: {model.kind}; licence: {model.licence}"
            + ("; its owner asks you to accept terms" if model.gated else ""),
            f"size: {in_words(model.bytes)}"
            if model.name.local
            else f"download: {in_words(model.bytes)}"
            + (f", {in_words(self.missing)} of it still to come" if self.missing else ", all here"),
            f"weights: {self.trained:,} that forget, {self.still:,} held still",
        ]
        if CHECKER in model.absent:
            facts.append(f"{CHECKER}: listed but not there, so the pipeline is opened without one")
        if model.pickles:
            facts.append(f"pickles: convert them once with: python -m sfr_core convert {model.id}")
        if self.measured:
            facts.append(f"forgetting on a GPU: {self.first().sentence()} (SFR-on, preset quick)")
        if self.spares:
            facts.append(f"with --memory spare: {self.first(spare=True).sentence()}")
            fields = "optimizer=adam8bit" + (" and trainable=cross-attention" if self.cross_attention else "")
            facts.append(f"with {fields} too: {self.first(spare=True, **SMALL).sentence()}")
        return facts


def _planned(kind: str, method: str, settings: Mapping[str, Any]) -> tuple[MethodConfig, Cost]:
    """A method's config and cost. Batches fill memory, not sets, so that nothing need be known of those."""
    spec = spec_of(method, kind)
    config = spec.config_cls.from_dict(settings)
    return config, spec.cost(config, Sizes(forget=1, remain=1, classes=1))


def describe(model: HubModel) -> Description:
    """Reads the headers of the weights, over the network where they are not here, and measures the network.

    Raises:
        HubError: unreachable, a damaged file, or a config that describes no network.
    """
    counts = {part.name: _weights(model, part) for part in model.parts}
    totals = {name: sum(weights.values()) for name, weights in counts.items()}
    trained, checker = totals.pop(model.trained), totals.pop(CHECKER, 0)
    return Description(
        model=model,
        trained=trained,
        slices=_slices(counts[model.trained]) if KINDS[model.kind].prompts else {},
        still=sum(totals.values()),
        checker=checker,
        missing=missing_bytes(model),
        measured=_kept(model, half=KINDS[model.kind].draws) is not None,
    )


def _slices(weights: Mapping[str, int]) -> dict[str, int]:
    """Elements of every slice of a U-Net (tasks/text_to_image_parts.py)."""
    from sfr_core.tasks.text_to_image_parts import in_part

    return {part: sum(n for name, n in weights.items() if in_part(name, part)) for part in get_args(Trainable)}


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
    return remote_header(model.name, file.path)


def says_architecture(model: HubModel) -> bool:
    """Whether nobody needs to name a classifier's network."""
    offer = offer_of(model.name)
    return "architecture" in model.config or (offer is not None and bool(offer.architecture))


def architecture_of(model: HubModel, given: str | None = None) -> Architecture:
    """A classifier's network: the given one (nets/named.py), else that of the offer, else what config.json says.

    Raises:
        HubError: nobody names it. AssetError: it cannot be read.
    """
    offer = offer_of(model.name)
    named = given or (offer.architecture if offer is not None else "")
    if named:
        return read_architecture(named)
    if "architecture" not in model.config:
        raise HubError(
            f"{model.name.repo} does not say which network it is.",
            hint="Name it, for example --architecture torchvision:resnet18.",
        )
    try:
        return from_timm_config(model.config)
    except (TypeError, AttributeError, IndexError) as error:
        raise AssetError(
            f"The config.json of {model.name.repo} describes no classifier ({reason(error)}).",
            hint="Give --architecture.",
        ) from None


_measured: dict[tuple[str, bool], Kept | None] = {}
"""By model and half precision: a model is asked again before every run."""


def _kept(model: HubModel, *, half: bool) -> Kept | None:
    """What autograd keeps of one picture; None for a classifier whose network or size of pictures nobody tells.

    Raises:
        HubError: a pipeline's config describes no network.
    """
    key = (model.id, half)
    if key not in _measured:
        _measured[key] = _kept_of_pipeline(model, half) if model.trained else _kept_of_classifier(model, half)
    return _measured[key]


def _kept_of_classifier(model: HubModel, half: bool) -> Kept | None:
    import torch

    try:
        shape = architecture_of(model)
        if shape.size is None:
            return None
        said, channels, size = model.config.get("num_classes"), shape.channels or 3, shape.size
        outputs = (
            said if isinstance(said, int) and said > 0 else OUTPUTS if shape.classes is None else len(shape.classes)
        )
        with torch.random.fork_rng(
            devices=[]
        ):  # not on the meta device: some of timm's read numbers while they are built
            network = build_network(shape, classes=outputs, channels=channels)
        return kept_by_autograd(network, lambda n: (torch.zeros(n, channels, *size),), half=half)
    except (InputError, NotImplementedError, RuntimeError, TypeError, ValueError):
        return None  # opening it says why, if it cannot be opened at all


def _kept_of_pipeline(model: HubModel, half: bool) -> Kept:
    import torch
    from diffusers import DiTTransformer2DModel, UNet2DConditionModel

    path = f"{model.trained}/config.json"
    local = folder_of(model) / path
    config = json.loads(local.read_text(encoding="utf-8")) if local.exists() else small_json(model.name, path)

    def inputs(n: int) -> tuple[torch.Tensor, ...]:
        x, t = torch.zeros(n, LATENT, config["sample_size"], config["sample_size"]), torch.zeros(n, dtype=torch.long)
        return x, t, torch.zeros(n, TOKENS, config["cross_attention_dim"]) if KINDS[model.kind].prompts else t

    try:
        with torch.device("meta"):
            cls: Any = UNet2DConditionModel if KINDS[model.kind].prompts else DiTTransformer2DModel
            network = cls.from_config(config)
        return kept_by_autograd(network, inputs, half=half)
    except (TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
        raise HubError(
            f"The config of '{model.trained}' in {model.name.repo} describes no network of ours ({reason(error)}).",
            hint="Choose another revision.",
        ) from None


def hub_precision(config: RunConfig, device: torch.device) -> UsedPrecision:
    """The precision of a run on a generator of the Hub; "auto" is half precision on a GPU and where memory is spared.

    Nothing is timed: that takes a second copy of the network and its gradients, which may be all the memory there is.
    """
    if config.precision != "auto":
        return config.precision
    return "bf16" if config.memory == "spare" or device.type == "cuda" else "fp32"


def check_memory(card: ModelCard, config: RunConfig, device: torch.device, *, waits: bool = False) -> None:
    """Refuses a run that would not fit.

    Args:
        card: of a model of the Hub; one that was not fetched here is let through.
        waits: the run begins later, so that what this process holds now counts as free.

    Raises:
        HubError: too little free memory.
    """
    from sfr_core.ops.device import free_bytes, used_bytes

    model, free = recall(read_name(card.origin or card.id)), free_bytes(device)
    if model is None:
        return
    # A classifier's "auto" is timed once it is open: counted is the precision that takes more.
    timed = not KINDS[card.kind].draws and (config.memory, config.precision) == ("plain", "auto")
    need = describe(model).memory(
        config.method, config.settings, spare=config.memory == "spare",
        half=not timed and hub_precision(config, device) == "bf16", on_gpu=device.type == "cuda",
    ).total  # fmt: skip
    if waits:
        free += used_bytes(device)
    if need > free:
        there = "can be free" if waits else "are free"
        raise HubError(
            f"Forgetting with {card.title} needs about {in_words(need)} of memory, and {in_words(free)} {there}.",
            hint=_smaller(card, config),
        )


def _smaller(card: ModelCard, config: RunConfig) -> str:
    """What would make the run smaller, as far as its method has it."""
    method, cost = _planned(card.kind, config.method, config.settings)
    ways = {
        "a smaller batch": cost.trains,
        "the memory 'spare'": config.memory == "plain" and KINDS[card.kind].draws,
        "8-bit optimiser states": cost.trains and hasattr(method, "optimizer"),
        "a smaller trained part": hasattr(method, "trainable"),
    }
    *others, last = [way for way, there in ways.items() if there] or [""]
    if not last:
        return "Free some memory, or choose a smaller model."
    return f"Choose {', '.join(others)} or {last}." if others else f"Choose {last}."
