"""Model cards: find, verify (size, sha256), load. Importing this module imports no torch."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from sfr_core.data.datasets import ASSETS, Dataset, fashion_mnist
from sfr_core.errors import AssetError, UnknownName

if TYPE_CHECKING:
    from torch import Tensor, nn

MODELS = ASSETS / "models"
OWN = "own:"
"""Identifiers of models that visitors bring begin so."""
VISITORS_KEPT = 8
"""Models of visitors that stay open in a process; each holds its pictures in memory, so the longest unused goes first."""
RESTORE = "Fetch the repository again (git checkout -- assets), or make it anew with the recipe in the card."


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldStandard:
    """A model retrained without a forget set, by the recipe of the original.

    Attributes:
        spec: canonical forget specification.
        twin: True for a second one from another training seed, the noise floor.
        file, bytes, sha256: where the weights lie in the card's folder, and how to check them.
        seed: training seed.
        wall_seconds, cpu_seconds: what its training took on the machine that the card names.
        metrics: accuracies in percent.
    """

    spec: str
    twin: bool
    file: str
    bytes: int
    sha256: str
    seed: int
    wall_seconds: float
    cpu_seconds: float
    metrics: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of a model: enough to show it, to check it and to build it.

    `wall_seconds` and `cpu_seconds` are those of the shipped training, which shared its machine with others on `threads`
    threads; `retrain_seconds` is the wall time of a retraining with `retrain_threads` threads and nothing beside it
    (`python -m recipes.classifier --time`), the one that a run is compared with. None where that was not measured.
    """

    id: str
    title: str
    kind: Literal["classifier"]
    summary: str
    dataset: str
    data_licence: str
    licence: str
    source: Literal["bundled", "own"]
    architecture: dict[str, Any]
    parameters: int
    file: str
    bytes: int
    sha256: str
    seed: int
    recipe: str
    machine: str
    threads: int
    precision: str
    wall_seconds: float
    cpu_seconds: float
    retrain_seconds: float | None
    retrain_threads: int | None
    metrics: dict[str, float]
    retrained: tuple[GoldStandard, ...]
    folder: Path


def read_card(folder: Path) -> ModelCard:
    """Reads `folder`/card.json.

    Raises:
        AssetError: missing, not JSON, or fields missing or unknown.
    """
    path = folder / "card.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        golds = tuple(GoldStandard(**gold) for gold in data.pop("retrained"))
        return ModelCard(**data, retrained=golds, folder=folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssetError(f"The model card {path} cannot be read ({error}).", hint=RESTORE) from None


def write_card(card: ModelCard) -> None:
    """Writes what `read_card` reads."""
    data = {f.name: getattr(card, f.name) for f in fields(card) if f.name not in {"folder", "retrained"}}
    data["retrained"] = [{f.name: getattr(gold, f.name) for f in fields(gold)} for gold in card.retrained]
    temporary = card.folder / "card.json.new"
    temporary.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(card.folder / "card.json")


class Brought(Protocol):
    """A visitor's own model, opened and checked: see own.OwnModel."""

    @property
    def card(self) -> ModelCard: ...

    @property
    def dataset(self) -> Dataset: ...

    @property
    def build(self) -> Callable[[], nn.Module]: ...

    def build_trained(self) -> nn.Module: ...


_visitors: OrderedDict[str, tuple[Brought, Callable[[], None]]] = OrderedDict()
_visitors_lock = threading.Lock()


def take_in(model: Brought, *, leave: Callable[[], None] = lambda: None) -> None:
    """Makes a visitor's model known to `card`, `open_dataset` and `Session.open`; `cards()` never lists it.

    Whoever knows the identifier reaches the model, so it must not be guessable where several visitors share a process.

    Args:
        model: its card's identifier begins with `own:`.
        leave: called once, when the model is put out (VISITORS_KEPT); removes its files.

    Raises:
        ValueError: another identifier, or one that is taken.
    """
    name = model.card.id
    with _visitors_lock:
        if not name.startswith(OWN) or name in _visitors:
            raise ValueError(f"not a free identifier of a visitor's model: {name}")
        _visitors[name] = (model, leave)
        put_out = [_visitors.popitem(last=False)[1][1] for _ in range(len(_visitors) - VISITORS_KEPT)]
    for go in put_out:
        go()


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


def shareable(model_id: str) -> str:
    """An identifier that may leave the page: for a visitor's model the one that the command line gives it.

    `own:` and the first 12 digits of the weights' sha256; `own:` alone once the model was put out.
    """
    with _visitors_lock:
        if model_id in _visitors:
            return f"{OWN}{_visitors[model_id][0].card.sha256[:12]}"
    return OWN if model_id.startswith(OWN) and len(model_id) > len(OWN) + 12 else model_id


@cache
def cards() -> tuple[ModelCard, ...]:
    """The cards of all shipped models, by identifier."""
    return tuple(read_card(path.parent) for path in sorted(MODELS.glob("*/card.json")))


def card(model_id: str) -> ModelCard:
    """The card of a shipped model, or of one that a visitor brought.

    Raises:
        UnknownName: no such model. AssetError: a visitor's model that is not open here.
    """
    if model_id.startswith(OWN):
        return brought(model_id).card
    by_id = {c.id: c for c in cards()}
    if model_id not in by_id:
        raise UnknownName("model", model_id, by_id)
    return by_id[model_id]


def gold_standard(model: ModelCard, forget_text: str, *, twin: bool = False) -> GoldStandard | None:
    """The retrained model for a canonical forget specification, or None where none is shipped."""
    return next((gold for gold in model.retrained if gold.spec == forget_text and gold.twin == twin), None)


def open_dataset(model: ModelCard) -> Dataset:
    """The pictures that the model was trained and tested on.

    Raises:
        AssetError: missing or damaged, or of a visitor's model that is not open here. UnknownName: a data set this
            program does not know.
    """
    if model.id.startswith(OWN):
        return brought(model.id).dataset
    return _shipped_pictures(model.dataset)


@cache
def _shipped_pictures(name: str) -> Dataset:
    """Read once in a process and shared: the pictures are large, and nobody writes to them."""
    makers: dict[str, Callable[[], Dataset]] = {"fashion-mnist": fashion_mnist}
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


def open_model(model: ModelCard) -> nn.Module:
    """The pretrained network on the CPU, in eval mode.

    Raises:
        AssetError: the weights are missing, damaged or of another network.
    """
    module = build_module(model.architecture)
    load_weights(module, model.folder / model.file, sha256=model.sha256)
    return module.eval()


def load_weights(module: nn.Module, path: Path, *, sha256: str | None = None) -> None:
    """Copies a safetensors file into `module`, after checking its hash and that names and shapes agree.

    Raises:
        AssetError: missing, damaged, or not the weights of this network.
    """
    tensors = read_tensors(path, sha256=sha256)
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        detail = str(error).splitlines()[-1].strip()
        raise AssetError(
            f"{path.name} holds weights of another network ({detail}).", hint="Choose the file that belongs to it."
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
            f"{path.name} is not a safetensors file ({error}).", hint="Choose a file that ends in .safetensors."
        ) from None
