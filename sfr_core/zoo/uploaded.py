"""A classifier of one's own: pictures from a folder, weights from a safetensors file, an architecture by its name.

Importing this module imports no torch; nothing is ever downloaded and no pickle is ever read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfr_core.cancel import CancelToken
from sfr_core.configs.pictures import PictureReading
from sfr_core.data.datasets import Dataset
from sfr_core.data.folder import MAX_ARRAY_BYTES, Progress, open_folder, same_name
from sfr_core.errors import AssetError
from sfr_core.kinds.classifier import KIND as CLASSIFIER
from sfr_core.nets.named import (
    Architecture,
    build_network,
    build_without_weights,
    imagenet_names,
    read_architecture,
    without_weights,
)
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.recognition import Recognised, recognise
from sfr_core.zoo.shipped import OWN, load_tensors, read_tensors
from sfr_core.zoo.state_dicts import of_network, own_tensors, run_of, shapes_in

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadedModel:
    """What a session needs: the card, the pictures, and how to make the network with fresh weights.

    Attributes:
        recognised: how many of its training pictures it knows.
    """

    card: ModelCard
    dataset: Dataset
    build: Callable[[], nn.Module]
    recognised: Recognised

    def build_trained(self) -> nn.Module:
        """The network with the weights of the card's file, on the CPU, in eval mode.

        Raises:
            AssetError: the file is gone, changed since it was opened, of another network, or holds NaN.
        """
        return self._build_from(self.card.folder / self.card.file, sha256=self.card.sha256)

    def read_other(self, weights: Path, cancel: CancelToken | None = None) -> tuple[dict[str, Tensor], Recognised]:
        """Other weights of the same network, for example retrained without the forget set: all tensors, on the CPU, and what they recognise.

        Args:
            cancel: asked before every few pictures.

        Raises:
            AssetError: missing, no safetensors, of another network, or with NaN in weights or answers.
            Stopped: `cancel` was set or is past its deadline.
        """
        _sha256(weights)
        model = self._build_from(weights)
        return model.state_dict(), recognise(model, self.dataset, cancel=cancel)

    def _build_from(self, file: Path, sha256: str | None = None) -> nn.Module:
        import torch

        read = read_tensors(file, sha256=sha256)
        try:
            with without_weights():  # nothing is drawn that the file replaces
                model = self.build()
            _check_whole(file, model)
            if _filled(model, own_tensors(read, model.state_dict(), name=file.name), name=file.name):
                return model.eval()
        except (RuntimeError, NotImplementedError):
            pass
        with torch.random.fork_rng(devices=[]):  # the fresh weights are overwritten: leave the caller's draws alone
            model = self.build()
        load_tensors(model, own_tensors(read, model.state_dict(), name=file.name), name=file.name)
        return model.eval()


def _check_whole(file: Path, model: nn.Module) -> None:
    """Refuses the outcome of a run that wrote only what it had changed, as version 0.1 did.

    Raises:
        AssetError: it is such a file, and lacks something of the network.
    """
    about = run_of(file)
    if about and about.get("whole") is not True and model.state_dict().keys() - shapes_in(file).keys():
        raise AssetError(
            f"{file.name} holds only what a run of version 0.1 changed, not the whole network.",
            hint="Make that run again, with run --config and the original weights: newer files hold the whole network.",
        )


def _filled(model: nn.Module, tensors: Mapping[str, Tensor], *, name: str) -> bool:
    """Gives a network without weights those of a file, in its own types; False where something is not in the file that it needs.

    Raises:
        AssetError: not the weights of this network.
    """
    wanted = model.state_dict()
    cast = {
        key: value.to(wanted[key].dtype if key in wanted else value.dtype).clone() for key, value in tensors.items()
    }
    load_tensors(model, cast, name=name, assign=True)
    return not any(tensor.is_meta for tensor in (*model.parameters(), *model.buffers()))


def open_uploaded(
    data: str | Path,
    weights: str | Path,
    architecture: str | Architecture,
    *,
    model_id: str | None = None,
    known: tuple[str, ...] = (),
    most_bytes: int = MAX_ARRAY_BYTES,
    cancel: CancelToken | None = None,
    progress: Progress | None = None,
) -> UploadedModel:
    """Opens a classifier of one's own and checks that its three parts fit together.

    Args:
        data: folder or zip of pictures (data/folder.py).
        weights: safetensors file with the state dict.
        architecture: see `read_architecture`.
        model_id: identifier for the card; default `own:` and the first 12 digits of the weights' sha256.
        known: what the outputs are called, where that is known: subfolders that are all called so may be some of them.
        most_bytes: of all pictures in memory.
        cancel: asked before every picture. progress: told of what is read of the pictures, as by `open_folder`.

    Raises:
        AssetError: a part is missing or damaged, or the three do not fit. UnknownName: no such architecture.
        Stopped: `cancel` was set or is past its deadline.
    """
    data, weights = Path(data), Path(weights)
    shape = read_architecture(architecture) if isinstance(architecture, str) else architecture
    sha256 = _sha256(weights)
    channels = shape.channels or (3 if shape.name.startswith("torchvision:") else None)
    dataset = open_folder(
        data, size=shape.size, channels=channels, class_names=shape.classes, known=known, order=shape.class_order, crop=shape.crop,
        background=shape.background, most_bytes=most_bytes, cancel=cancel, progress=progress,
    )  # fmt: skip
    dataset = replace(
        dataset,
        mean=_per_channel(shape.mean, dataset.mean),
        std=_per_channel(shape.std, dataset.std),
        mirror=shape.mirror,
    )
    classes, depth = len(dataset.class_names), dataset.train.images.shape[3]

    def build() -> nn.Module:
        return build_network(shape, classes=classes, channels=depth)

    _check_size(shape, weights, dataset.class_names, depth, known)
    reading = PictureReading(
        size=dataset.train.images.shape[1:3], channels=depth, mean=dataset.mean, std=dataset.std, class_order=shape.class_order,
        classes=shape.classes, crop=shape.crop, background=shape.background, mirror=shape.mirror,
    )  # fmt: skip
    card = replace(_card(model_id or f"{OWN}{sha256[:12]}", shape, data, weights, sha256), reading=reading)
    unasked = Recognised(0.0, 0, classes)
    own = UploadedModel(card=card, dataset=dataset, build=build, recognised=unasked)
    model = own.build_trained()
    _check_forward(model, own.dataset, shape)
    card = replace(card, parameters=sum(p.numel() for p in model.parameters()))
    return replace(own, card=card, recognised=recognise(model, dataset, cancel=cancel))


def _sha256(weights: Path) -> str:
    hint = "Save the state dict with safetensors.torch.save_file."
    if weights.suffix.lower() != ".safetensors":
        raise AssetError(f"The weights {weights.name} are not a safetensors file.", hint=hint)
    try:
        with weights.open("rb") as f:
            return hashlib.file_digest(f, "sha256").hexdigest()
    except OSError:
        raise AssetError(f"The weights file {weights} is missing.", hint=hint) from None


def _check_size(
    shape: Architecture, weights: Path, folders: tuple[str, ...], channels: int, known: tuple[str, ...]
) -> None:
    """Refuses, before any memory is spent on it, a network of more or fewer outputs than there are folders, and one that is far
    larger than its file (a weight takes a byte or more).
    """
    classes = len(folders)
    network = build_without_weights(shape, classes=classes, channels=channels)
    if network is None:
        return  # it is checked once it stands
    outputs = _outputs(network, shape, weights, classes, channels)
    if outputs != classes:
        places = {same_name(name) for name in known}
        odd = next((name for name in folders if same_name(name) not in places), "")
        some = f", or some named as it calls them (for example '{known[0]}'; '{odd[:40]}' is none)" if known else ""
        raise AssetError(
            f"The network knows {outputs:,} classes, and {classes:,} folders were brought.",
            hint=f"Bring one folder for each of its {outputs:,} classes, named so that their alphabetical order is the network's{some}.",
        )
    _check_whole(weights, network)
    needed = sum(p.numel() for p in network.parameters())
    if needed > weights.stat().st_size:
        read_tensors(weights)  # a file that was cut off is to be called damaged, not another network's
        raise AssetError(
            f"{weights.name} holds weights of another network ({shape.name} has {needed:,}).",
            hint="Choose the file that belongs to it.",
        )


def names_of_outputs(shape: Architecture, weights: Path) -> tuple[str, ...]:
    """What a published network's outputs are called: as its repository says, or ImageNet's classes where it has a thousand outputs,
    since nearly every published classifier of so many was trained on those. Empty where there is not one plain name for each.
    """
    names = shape.classes or imagenet_names()
    network = build_without_weights(shape, classes=len(names), channels=shape.channels or 3)
    plain = all("," not in name and name == name.strip() for name in names)
    if network is None or not plain or _shapes(network) != _shapes_of(network, weights):
        return ()
    return names if len({same_name(name) for name in names}) == len(names) else ()


def _outputs(network: nn.Module, shape: Architecture, weights: Path, classes: int, channels: int) -> int:
    """Outputs of the network whose weights lie in the file: `classes`, unless the same network with other outputs is in it."""
    found, wanted = _shapes_of(network, weights), _shapes(network)
    sizes = {(found[name] or (0,))[0] for name in wanted if name in found and found[name] != wanted[name]}
    outputs = sizes.pop() if len(sizes) == 1 else 0
    other = build_without_weights(shape, classes=outputs, channels=channels) if outputs > 0 else None
    return outputs if other is not None and _shapes(other) == found else classes


def _shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def _shapes_of(network: nn.Module, weights: Path) -> dict[str, tuple[int, ...]]:
    """Those of the file's tensors that are the network's."""
    found = shapes_in(weights)
    return {name: found[name] for name in of_network(network.state_dict(), found)}


def _check_forward(model: nn.Module, dataset: Dataset, shape: Architecture) -> None:
    """Asks the trained network once, about an empty picture."""
    import torch

    height, width, depth = dataset.train.images.shape[1:]
    classes = len(dataset.class_names)
    with torch.no_grad():
        try:
            logits = model(torch.zeros(1, depth, height, width))
            reason = "" if tuple(logits.shape) == (1, classes) else f"its answer has the shape {list(logits.shape)}"
        except (RuntimeError, ValueError, AssertionError, TypeError, AttributeError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if reason:
        raise AssetError(
            f"{shape.name} does not classify pictures of {height} x {width} pixels and {depth} channels ({reason}).",
            hint="Give size and channels with the architecture, for example ?size=224&channels=3.",
        )


def _per_channel(given: tuple[float, ...] | None, found: tuple[float, ...]) -> tuple[float, ...]:
    if given is None:
        return found
    values = given * len(found) if len(given) == 1 else given
    if len(values) != len(found):
        raise AssetError(f"{len(values)} values for {len(found)} channels.", hint="Give mean and std per channel.")
    return tuple(float(v) for v in values)


def _card(model_id: str, shape: Architecture, data: Path, weights: Path, sha256: str) -> ModelCard:
    return unmeasured_card(
        id=model_id,
        title=f"{weights.stem} ({shape.name})",
        kind=CLASSIFIER.id,
        summary="Your own classifier.",
        dataset=data.name,
        data_licence="your own",
        licence="your own",
        source="own",
        architecture={"name": shape.name, **shape.kwargs},
        file=weights.name,
        bytes=weights.stat().st_size,
        sha256=sha256,
        wall_seconds=0.0,
        folder=weights.parent,
    )


def unmeasured_card(**known: Any) -> ModelCard:
    """The card of a model that was made elsewhere: nothing is known of its training, and nothing was measured here."""
    return ModelCard(
        **known,
        parameters=0,
        seed=0,
        recipe="",
        machine="",
        threads=0,
        precision="",
        cpu_seconds=0.0,
        retrain_seconds=None,
        retrain_threads=None,
        metrics={},
        retrained=(),
    )
