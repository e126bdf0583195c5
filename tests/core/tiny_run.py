"""A whole session on tiny pictures: card, weights file and two retrained models in a folder of the test."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from safetensors.torch import save_file
from torch import nn

from sfr_core.configs import RunConfig
from sfr_core.plan import plan
from sfr_core.runs.session import Session
from sfr_core.zoo.shipped import ModelCard, RetrainedModel, load_weights
from tests.core.tiny import SMALL, TinyNet, tiny_dataset, tiny_net

FORGET = "class:three"


def weights_file(path: Path, seed: int) -> tuple[int, str]:
    """Weights of a tiny network; size and sha256."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tiny_net(seed).state_dict(), path)
    raw = path.read_bytes()
    return len(raw), hashlib.sha256(raw).hexdigest()


def tiny_card(folder: Path, *, source: Literal["bundled", "own"] = "own", retrained: bool = True) -> ModelCard:
    """The card of a tiny network; with `retrained` two retrained models, of two seeds, for FORGET."""
    found = []
    for seed, second in ((1, False), (2, True)) if retrained else ():
        size, digest = weights_file(folder / f"retrained{seed}.safetensors", seed)
        found.append(
            RetrainedModel(
                spec=FORGET, second=second, file=f"retrained{seed}.safetensors", bytes=size, sha256=digest, seed=seed,
                wall_seconds=1.0, cpu_seconds=1.0, metrics={},
            )
        )  # fmt: skip
    size, digest = weights_file(folder / "model.safetensors", 0)
    return ModelCard(
        id="tiny", title="Tiny", kind="classifier", summary="Tiny.", dataset="tiny", data_licence="MIT", licence="MIT", source=source,
        architecture={"name": "TinyNet"}, parameters=1546, file="model.safetensors", bytes=size, sha256=digest, seed=0, recipe="",
        machine="", threads=1, precision="fp32", wall_seconds=9.0, cpu_seconds=9.0, retrain_seconds=4.5, retrain_threads=1,
        metrics={}, retrained=tuple(found), folder=folder,
    )  # fmt: skip


def tiny_session(
    folder: Path,
    method: str = "sfr-on",
    *,
    forget: str = FORGET,
    seed: int = 0,
    card: ModelCard | None = None,
    make: Callable[[], nn.Module] = TinyNet,
    **settings: Any,
) -> Session:
    """A session in float32 on the CPU, with SMALL settings changed by `settings`."""
    model = card or tiny_card(folder)

    def load() -> nn.Module:
        module = make()
        load_weights(module, model.folder / model.file, sha256=model.sha256)
        return module.eval()

    config = RunConfig(
        model=model.id, forget=forget, method=method, settings={**SMALL.get(method, {}), **settings}, seed=seed, device="cpu", precision="fp32"
    )  # fmt: skip
    dataset = tiny_dataset()
    return Session(plan(config, card=model, dataset=dataset), dataset, load, make)
