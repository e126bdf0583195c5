"""Networks of torchvision and timm by name, with the way pictures become their input.

An architecture is written `torchvision:NAME`, `timm:NAME` (where timm is installed) or `SmallResNet`, with arguments after a
question mark (`torchvision:swin_t?embed_dim=8&depths=1,1&size=32`), or as a JSON file `{"name": ..., "kwargs": {...}}`.
torchvision's ResNets also take `stem=small`: a 3x3 convolution of stride 1 and no pooling, as is usual for pictures of 32x32.
Importing this module imports no torch; nothing is ever downloaded.
"""

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import unquote

from sfr_core.configs.pictures import ClassOrder, PictureReading
from sfr_core.errors import AssetError, UnknownName, quoted
from sfr_core.nets.pipelines import read_json

if TYPE_CHECKING:
    from torch import nn

EXAMPLE = "Write for example torchvision:swin_t?size=224, timm:resnet18 or a JSON file with name and kwargs."
HOW_TO_READ = {part.name for part in fields(PictureReading)}
"""Arguments that say how pictures become input; every other one goes to the network's constructor."""
NEVER = {
    "weights", "weights_backbone", "pretrained", "progress", "num_classes", "checkpoint_path", "cache_dir",
    "pretrained_cfg", "pretrained_cfg_overlay", "features_only", "scriptable", "exportable",
}  # fmt: skip
"""Arguments that would download or read other files, or that follow from the folder."""
SWINS: dict[str, dict[str, Any]] = {
    "swin_t": {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "stochastic_depth_prob": 0.2},
    "swin_s": {"embed_dim": 96, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24], "stochastic_depth_prob": 0.3},
    "swin_b": {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "stochastic_depth_prob": 0.5},
}
"""torchvision's builders fix these, so a smaller Swin goes through the class with them as defaults."""

AUXILIARY = {"googlenet", "GoogLeNet", "inception_v3", "Inception3"}
"""torchvision's networks with auxiliary heads, which only help to train them from scratch: built without, unless aux_logits asks for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A network and how pictures become its input.

    Attributes:
        name: `torchvision:NAME`, `timm:NAME` or `SmallResNet`.
        kwargs: arguments of its constructor.
        size: (height, width) of its input in pixels; None takes the folder's common size.
        channels: 1 or 3 of its input; None: 3 for torchvision and timm, else as the folder has them.
        mean, std: subtracted from and divided out of pixels scaled to 0..1; None takes the folder's statistics.
        classes: class names in the order of the outputs; None sorts the folders by `class_order`.
        crop, background: what is cut from a picture, and what stands behind transparency (data/folder.py).
        mirror: mirrored pictures are natural ones (training augmentation).
    """

    name: str
    kwargs: dict[str, Any] = field(default_factory=dict)
    size: tuple[int, int] | None = None
    channels: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    classes: tuple[str, ...] | None = None
    class_order: ClassOrder = "alphabetical"
    crop: float | None = None
    background: str = "white"
    mirror: bool = False


def read_architecture(text: str) -> Architecture:
    """Reads an architecture: a name with arguments, or the path of a JSON file.

    Raises:
        AssetError: unreadable, an argument of the wrong type, or one that may not be set.
    """
    if text.endswith(".json"):
        values = read_json(Path(text), hint=EXAMPLE)
    else:
        name, _, query = text.strip().partition("?")
        pairs = [part.partition("=") for part in query.split("&") if part]
        values = {"name": name, "kwargs": {unquote(key): _value(unquote(raw)) for key, _, raw in pairs}}
    name, kwargs = values.pop("name", None), values.pop("kwargs", {})
    if not isinstance(name, str) or not name or not isinstance(kwargs, dict):
        raise AssetError("The architecture has no name or its kwargs are not a table.", hint=EXAMPLE)
    given = {**{k: v for k, v in kwargs.items() if k in HOW_TO_READ}, **values}
    unknown = sorted(set(given) - HOW_TO_READ)
    if unknown:
        raise UnknownName("architecture field", unknown[0], {"name", "kwargs", *HOW_TO_READ})
    arguments = {k: v for k, v in kwargs.items() if k not in HOW_TO_READ}
    forbidden = sorted(set(arguments) & NEVER)
    if forbidden:
        raise AssetError(f"The argument '{forbidden[0]}' cannot be set.", hint="Weights come from --weights alone.")
    return Architecture(name=name, kwargs=arguments, **_reading(given))


def with_reading(architecture: Architecture, arguments: Mapping[str, str]) -> Architecture:
    """The architecture with other arguments of HOW_TO_READ, written as after its question mark.

    Raises:
        AssetError: a value that cannot be.
    """
    return replace(architecture, **_reading({key: _value(unquote(raw)) for key, raw in arguments.items()}))


def as_in_run(architecture: Architecture, run: PictureReading, *, said: bool) -> Architecture:
    """The architecture with pictures read as in a run; `said`: what it says of that itself stays."""
    silent = Architecture(name="")
    return replace(
        architecture,
        **{
            name: getattr(run, name)
            for name in HOW_TO_READ
            if not said or getattr(architecture, name) == getattr(silent, name)
        },
    )


def _value(raw: str) -> Any:
    """`3` a whole number, `0.5` a number, `true`/`false`, `1,2` or `1,` a list, else text."""
    if "," in raw:
        return [_value(part) for part in raw.split(",") if part]
    if raw.lower() in {"true", "false"}:
        return raw.lower() == "true"
    for kind in (int, float):
        try:
            return kind(raw)
        except ValueError:
            continue
    return raw


def _reading(given: Mapping[str, Any]) -> dict[str, Any]:
    """Checks the fields that say how pictures become input."""
    out: dict[str, Any] = {}
    for key, value in given.items():
        if value is None:
            continue
        good = False
        items = list(value) if isinstance(value, list | tuple) else [value]
        if key == "size":
            items = items * 2 if len(items) == 1 else items
            good = len(items) == 2 and all(type(v) is int and 1 <= v <= 1024 for v in items)
        elif key in {"mean", "std"}:
            good = len(items) in {1, 3} and all(_number(v) and (key == "mean" or v > 0) for v in items)
        elif key == "channels":
            good, items = value in (1, 3) and type(value) is int, value
        elif key == "crop":
            good, items = _number(value) and 0 < value <= 1, value
        elif key == "background":
            good, items = isinstance(value, str), value
        elif key == "class_order":
            good, items = value in get_args(ClassOrder), value
        elif key == "mirror":
            good, items = isinstance(value, bool), value
        elif key == "classes":
            items = [str(v) for v in items]
            good = len(items) >= 2
        if not good:
            raise AssetError(f"The architecture's '{key}' cannot be {quoted(value)}.", hint=EXAMPLE)
        out[key] = tuple(items) if isinstance(items, list) else items
    return out


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def build_network(architecture: Architecture, *, classes: int, channels: int) -> nn.Module:
    """The network with fresh weights from torch's global generator; `classes` logits, input [n, channels, h, w].

    Raises:
        UnknownName: no such network. AssetError: arguments that do not suit it, or timm is not installed.
    """
    library, colon, name = architecture.name.partition(":")
    makers = {"torchvision": _torchvision, "timm": _timm}
    try:
        if architecture.name == "SmallResNet":
            from sfr_core.nets.resnet import SmallResNet

            return SmallResNet(channels=channels, classes=classes, **architecture.kwargs)
        if not colon or library not in makers:
            raise UnknownName("architecture", architecture.name, ["torchvision:NAME", "timm:NAME", "SmallResNet"])
        return makers[library](name, classes, channels, architecture.kwargs)
    except (TypeError, ValueError, RuntimeError, IndexError, ZeroDivisionError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise AssetError(f"{architecture.name} cannot be built ({reason}).", hint=EXAMPLE) from None


@contextmanager
def without_weights() -> Iterator[None]:
    """Networks that are built inside have no memory for their weights and draw (nearly) none; the caller's draws are left alone.

    Only what is left empty or drawn has none (nearly all weights): numbers that a constructor computes with, such as the widths of a RegNet,
    it gets.
    """
    import torch
    from torch.overrides import TorchFunctionMode

    class EmptyOnMeta(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            given = dict(kwargs or {})
            if func in (torch.empty, torch.randn, torch.rand) and given.get("device") is None:
                given["device"] = "meta"
            return func(*args, **given)

    with torch.random.fork_rng(devices=[]), EmptyOnMeta():
        yield


def build_without_weights(architecture: Architecture, *, classes: int, channels: int) -> nn.Module | None:
    """The network's shapes alone; None of one that cannot be built so.

    Raises:
        UnknownName: no such network.
    """
    import torch

    # A few of timm's mix empty tensors with others: those take the second.
    for hollow in (without_weights(), torch.device("meta")):
        try:
            with hollow:
                return build_network(architecture, classes=classes, channels=channels)
        except (RuntimeError, NotImplementedError, AssetError):
            continue
    return None


def imagenet_names() -> tuple[str, ...]:
    """ImageNet's classes in the order of the outputs of torchvision's and timm's networks, each name once.

    Of two that differ only in case (the dog and the jacket) both carry their number.
    """
    from torchvision.models import ResNet18_Weights

    names = [str(name) for name in ResNet18_Weights.IMAGENET1K_V1.meta["categories"]]
    times = Counter(name.casefold() for name in names)
    return tuple(f"{name} {i}" if times[name.casefold()] > 1 else name for i, name in enumerate(names))


def _torchvision(name: str, classes: int, channels: int, given: dict[str, Any]) -> nn.Module:
    from torch import nn
    from torchvision import models

    kwargs = {key: value for key, value in given.items() if key != "stem"}
    if name in AUXILIARY:
        kwargs = {"aux_logits": False, "init_weights": True, **kwargs}
    known = {n: models.get_model_builder(n) for n in models.list_models(module=models)}
    makers = {
        n: kind
        for n, kind in vars(models).items()
        if inspect.isclass(kind) and issubclass(kind, nn.Module) and "num_classes" in inspect.signature(kind).parameters
    }
    if name in SWINS and set(kwargs) & set(inspect.signature(models.SwinTransformer).parameters):
        fixed = {"patch_size": [4, 4], "window_size": [7, 7], **SWINS[name]}
        made: nn.Module = models.SwinTransformer(**{**fixed, **kwargs}, num_classes=classes)
    elif name in known:
        made = known[name](weights=None, num_classes=classes, **kwargs)
    elif name in makers:
        made = makers[name](num_classes=classes, **kwargs)
    else:
        raise UnknownName("torchvision architecture", name, {*known, *makers})
    if "stem" in given:
        if given["stem"] != "small" or not isinstance(made, models.ResNet):
            raise ValueError("only a ResNet has a small stem")
        made.conv1 = nn.Conv2d(3, made.conv1.out_channels, 3, 1, 1, bias=False)
        made.maxpool = nn.Identity()
    return made


def from_timm_config(config: Mapping[str, Any]) -> Architecture:
    """The architecture that the config.json of a timm repository on the Hub describes.

    Raises:
        AssetError: a field that may not be set, or of the wrong type.
    """
    reading = config.get("pretrained_cfg") or {}
    shape = reading.get("input_size") or [None, None, None]
    names = config.get("label_names")
    given = {
        "size": shape[1:], "channels": shape[0], "mean": reading.get("mean"), "std": reading.get("std"),
        "classes": names if isinstance(names, list) else None, "crop": reading.get("crop_pct"), "mirror": True,
    }  # fmt: skip
    arguments = dict(config.get("model_args") or {})
    forbidden = sorted(set(arguments) & NEVER)
    if forbidden:
        raise AssetError(f"The argument '{forbidden[0]}' cannot be set.", hint="Choose another model.")
    known = {key: value for key, value in given.items() if value not in (None, [None, None])}
    return Architecture(name=f"timm:{config['architecture']}", kwargs=arguments, **_reading(known))


def _timm(name: str, classes: int, channels: int, kwargs: dict[str, Any]) -> nn.Module:
    try:
        import timm
    except ImportError:
        raise AssetError("timm is not installed.", hint="Install it with: pip install timm") from None
    if name not in timm.list_models():  # also keeps hub: and local-dir: names out
        raise UnknownName("timm architecture", name, timm.list_models())
    made: nn.Module = timm.create_model(name, pretrained=False, num_classes=classes, in_chans=channels, **kwargs)
    return made
