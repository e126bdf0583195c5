"""Model cards: find, verify (size, sha256), load. Importing this module imports no torch."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sfr_core.cancel import CancelToken
from sfr_core.data.concepts import read_concepts
from sfr_core.data.datasets import ASSETS, Dataset, cifar10, fashion_mnist, without_pictures
from sfr_core.errors import REASON, AssetError, UnknownName, quoted, reason
from sfr_core.kinds import KINDS
from sfr_core.kinds.base import named
from sfr_core.nets.pipelines import (
    SCHEDULER,
    check_length,
    check_schedule,
    class_names,
    open_pipeline,
    picture_side,
    read_index,
    read_json,
)
from sfr_core.zoo.cards import RESTORE, ModelCard, RetrainedModel, read_card, retrained_model, write_card

if TYPE_CHECKING:
    from torch import Tensor, nn

    from sfr_core.nets.judge import Judge
    from sfr_core.zoo.recognition import Recognised

__all__ = [
    "ModelCard",
    "RetrainedModel",
    "build_module",
    "card",
    "cards",
    "load_tensors",
    "load_weights",
    "open_dataset",
    "open_judge",
    "open_model",
    "open_whole",
    "read_card",
    "read_tensors",
    "retrained_model",
    "write_card",
]  # fmt: skip

MODELS = ASSETS / "models"
UNET = "UNet2DModel"
"""Architecture of a network whose folder is in diffusers' format."""
OWN = "own:"
"""Identifiers of models that visitors bring begin so."""
HUB = "hub:"
"""Identifiers of models of the Hub begin so (sfr_core/hub)."""
LOCAL = "local:"
"""Identifiers of pipelines in a folder on this machine begin so (sfr_core/hub/local.py)."""
VISITORS_KEPT = 8
"""Models of visitors that stay open in a process; each holds its pictures in memory, so the longest unused goes first."""
VISITORS_BYTES = 2 * 1024**3
"""Of all their pictures together: beyond it the longest unused goes too, however few they are."""


class Brought(Protocol):
    """A visitor's own model, opened and checked: see uploaded.UploadedModel."""

    @property
    def card(self) -> ModelCard: ...

    @property
    def dataset(self) -> Dataset: ...

    @property
    def build(self) -> Callable[[], nn.Module]: ...

    @property
    def recognised(self) -> Recognised: ...

    def build_trained(self) -> nn.Module: ...

    def read_other(
        self, weights: Path, cancel: CancelToken | None = None
    ) -> tuple[Mapping[str, Tensor], Recognised]: ...


_visitors: OrderedDict[str, tuple[Brought, Callable[[], None]]] = OrderedDict()
_visitors_lock = threading.Lock()
_origins: dict[str, str] = {}
"""Where the visitors' models of the Hub come from; a line of text each, kept when a model is put out, since its runs' files outlive it."""


def take_in(model: Brought, *, leave: Callable[[], None] = lambda: None) -> None:
    """Makes a visitor's model known to `card`, `open_dataset` and `Session.open`; `cards()` never lists it.

    Whoever knows the identifier reaches the model, so it must not be guessable where several visitors share a process.

    Args:
        model: its card's identifier begins with `own:`.
        leave: called once, when the model is put out (VISITORS_KEPT, VISITORS_BYTES); removes its files.

    Raises:
        ValueError: another identifier, or one that is taken.
    """
    name = model.card.id
    with _visitors_lock:
        if not name.startswith(OWN) or name in _visitors:
            raise ValueError(f"not a free identifier of a visitor's model: {name}")
        _visitors[name] = (model, leave)
        if model.card.origin:
            _origins[name] = model.card.origin
        put_out = []
        while len(_visitors) > VISITORS_KEPT or (len(_visitors) > 1 and _picture_bytes() > VISITORS_BYTES):
            put_out.append(_visitors.popitem(last=False)[1][1])
    for go in put_out:
        go()


def _picture_bytes() -> int:
    parts = (part for model, _ in _visitors.values() for part in (model.dataset.train, model.dataset.test))
    return sum(part.images.nbytes for part in parts)


_of_hub: dict[str, ModelCard] = {}


def take_in_hub(model: ModelCard) -> None:
    """Makes a pipeline of the Hub or of a folder known to `card` by its identifier (hub:..., local:...); `cards()` never lists it."""
    _of_hub[model.id] = model


def brought(model_id: str) -> Brought:
    """The visitor's model of this identifier.

    Raises:
        AssetError: it is not open here, or no longer.
    """
    with _visitors_lock:
        if model_id in _visitors:
            _visitors.move_to_end(model_id)
            return _visitors[model_id][0]
    raise AssetError("This classifier of your own is not open here (any more).", hint="Open its files again.")


def origin(model_id: str) -> str:
    """The identifier that says what a model is: of a visitor's from the Hub its pinned name there, else the same."""
    return _origins.get(model_id, model_id)


def shareable(model_id: str) -> str:
    """An identifier that may leave the page: for a visitor's model the one that the command line gives it.

    `hub:REPO@COMMIT` for one of the Hub; else `own:` and the first 12 digits of the weights' sha256, `own:` alone once the model
    was put out.
    """
    model_id = origin(model_id)
    with _visitors_lock:
        if model_id in _visitors:
            return f"{OWN}{_visitors[model_id][0].card.sha256[:12]}"
    return OWN if model_id.startswith(OWN) and len(model_id) > len(OWN) + 12 else model_id


@cache
def cards() -> tuple[ModelCard, ...]:
    """The cards of all shipped models, by identifier."""
    return tuple(read_card(path.parent) for path in sorted(MODELS.glob("*/card.json")))


def card(model_id: str) -> ModelCard:
    """The card of a shipped model, of one that a visitor brought, or of one that was fetched from the Hub.

    Raises:
        UnknownName: no such model. AssetError: a visitor's model, or one of the Hub, that is not open here.
    """
    if model_id.startswith(OWN):
        return brought(model_id).card
    if model_id.startswith((HUB, LOCAL)):
        if model_id not in _of_hub:
            hint = "Fetch it from the Hub first." if model_id.startswith(HUB) else "Use the command line."
            raise AssetError(f"{quoted(model_id)} is not open here.", hint=hint)
        return _of_hub[model_id]
    by_id = {c.id: c for c in cards()}
    if model_id not in by_id:
        raise UnknownName("model", model_id, by_id)
    return by_id[model_id]


def open_dataset(model: ModelCard) -> Dataset:
    """The pictures that the model was trained and tested on; of a pipeline only the names of its classes or concepts.

    Raises:
        AssetError: missing or damaged, or of a visitor's model that is not open here. UnknownName: a data set this
            program does not know.
    """
    if model.id.startswith(OWN):
        return brought(model.id).dataset
    found: Dataset = named(KINDS[model.kind].dataset)(model)
    return found


def shipped_pictures(model: ModelCard) -> Dataset:
    """The data set of this name; raises as `open_dataset`."""
    return _shipped_pictures(model.dataset)


def names_alone(model: ModelCard) -> Dataset:
    """Of a pipeline, the names of its classes or concepts, and the size of its pictures; raises as `open_dataset`."""
    offered = class_names(read_index(model.folder, model.kind))
    return without_pictures(model.dataset, offered, picture_side(model.folder, model.kind))


def concepts_alone(model: ModelCard) -> Dataset:
    """The same of a pipeline that reads prompts."""
    return without_pictures(model.dataset, read_concepts(model.folder).offered, picture_side(model.folder, model.kind))


@cache
def _shipped_pictures(name: str) -> Dataset:
    """Read once in a process and shared: the pictures are large, and nobody writes to them."""
    makers: dict[str, Callable[[], Dataset]] = {"fashion-mnist": fashion_mnist, "cifar10": cifar10}
    if name not in makers:
        raise UnknownName("data set", name, makers)
    return makers[name]()


def build_module(architecture: dict[str, Any]) -> nn.Module:
    """The network of a card with fresh weights, drawn from torch's global generator."""
    from sfr_core.nets.resnet import SmallResNet

    builders = {"SmallResNet": SmallResNet}
    values = dict(architecture)
    name = values.pop("name")
    if name not in builders:
        raise UnknownName("architecture", str(name), builders)
    return builders[name](**values)


def open_whole(model: ModelCard) -> Any:
    """What a run needs of a model, on the CPU: its network, or the pipeline that holds it with all its parts; draws from no generator.

    Raises:
        AssetError: weights are missing, damaged, of another network or not listed in the card, or the pipeline is not of our noise schedule.
    """
    return named(KINDS[model.kind].loads)(model)


def open_model(model: ModelCard) -> nn.Module:
    """The pretrained network on the CPU, in eval mode and in float32; raises as `open_whole`."""
    pipeline = KINDS[model.kind].pipeline
    network: nn.Module = open_whole(model) if pipeline is None else getattr(open_whole(model), pipeline.trained)
    return network


def open_network(model: ModelCard) -> nn.Module:
    """A lone network; raises as `open_whole`."""
    import torch

    with torch.random.fork_rng(devices=[]):  # fresh weights are drawn before the trained ones replace them
        unet = model.architecture["name"] == UNET
        module = open_unet(model.folder) if unet else build_module(model.architecture)
    load_weights(module, model.folder / model.file, sha256=model.sha256)
    return module.eval()


def open_class_pipeline(model: ModelCard) -> Any:
    """A pipeline that draws classes; raises as `open_whole`."""
    check_schedule(model.folder / SCHEDULER)
    return open_pipeline(model.folder, model.kind, model.weight_files)


def open_prompt_pipeline(model: ModelCard) -> Any:
    """A pipeline that reads prompts; raises as `open_whole`."""
    check_length(model.folder / SCHEDULER)
    return open_pipeline(model.folder, model.kind, model.weight_files)


def open_judge(model: ModelCard) -> Judge:
    """The judge of a generator's samples, on the CPU: the same object for every model, opened again when its files change.

    Raises:
        AssetError: missing or damaged.
    """
    folder = MODELS / str(model.judge)
    changed = tuple(sorted((path.name, path.stat().st_mtime_ns) for path in folder.glob("*")))
    return _judge(folder, changed)


@lru_cache(maxsize=4)
def _judge(folder: Path, changed: tuple[tuple[str, int], ...]) -> Judge:
    from sfr_core.nets.judge import Judge

    return Judge.open(folder)


def open_unet(folder: Path) -> nn.Module:
    """The network that a folder in diffusers' format describes, with fresh weights.

    Raises:
        AssetError: its config.json or scheduler_config.json is missing, damaged or of a sampler that is not ours.
    """
    check_schedule(folder / "scheduler_config.json")
    from diffusers import UNet2DModel

    try:
        build: Callable[[dict[str, Any]], nn.Module] = UNet2DModel.from_config
        module = build(read_json(folder / "config.json"))
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise AssetError(f"{folder / 'config.json'} describes no U-Net ({reason(error)}).", hint=RESTORE) from None
    return module


def load_weights(module: nn.Module, path: Path, *, sha256: str | None = None) -> None:
    """Copies a safetensors file into `module`, after checking its hash and that names and shapes agree.

    Raises:
        AssetError: missing, damaged, or not the weights of this network.
    """
    load_tensors(module, read_tensors(path, sha256=sha256), name=path.name)


def load_tensors(module: nn.Module, tensors: Mapping[str, Tensor], *, name: str, assign: bool = False) -> None:
    """Copies tensors into `module` (or puts them in place of its own: `assign`), after checking that names and shapes agree; `name` says
    what they are.

    Raises:
        AssetError: not the weights of this network.
    """
    try:
        try:
            module.load_state_dict(tensors, assign=assign)
        except ValueError:  # a MNASNet asks which version wrote its weights, which safetensors cannot say: this one
            state = OrderedDict(tensors)
            vars(state)["_metadata"] = vars(module.state_dict())["_metadata"]
            module.load_state_dict(state, assign=assign)
    except (RuntimeError, ValueError) as error:
        detail = str(error).splitlines()[-1].strip()
        raise AssetError(
            f"{name} holds weights of another network ({quoted(detail, REASON)}).",
            hint="Choose the file that belongs to it.",
        ) from None


def read_tensors(path: Path, *, sha256: str | None = None) -> dict[str, Tensor]:
    """Reads a safetensors file into CPU tensors.

    Raises:
        AssetError: missing, not safetensors, or with another hash than `sha256`.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        raw = path.read_bytes()
    except OSError:
        raise AssetError(f"The weights file {path} is missing.", hint=RESTORE) from None
    if sha256 is not None and hashlib.sha256(raw).hexdigest() != sha256:
        raise AssetError(f"The weights file {path} is damaged: its sha256 is not the card's.", hint=RESTORE)
    try:
        return load(raw)
    except (SafetensorError, ValueError) as error:
        raise AssetError(
            f"The weights are not a safetensors file ({reason(error)}).",
            hint="Save the state dict with safetensors.torch.save_file.",
        ) from None
