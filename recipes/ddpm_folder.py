"""The diffusion model on disk: diffusers' folder format in half precision, and publishing it with its card."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from diffusers import DDIMScheduler, UNet2DModel
from torch import Tensor

from recipes.ddpm_sets import Recipe
from sfr_core.metrics.generation import PAGE
from sfr_core.ops.device import device_name
from sfr_core.ops.diffusion import BETA_FIRST, BETA_LAST, STEPS
from sfr_core.zoo.cards import GoldStandard, ModelCard, Sampling, read_card, read_records, write_card

WEIGHTS = "diffusion_pytorch_model.safetensors"
CARD, DRAFT = "card.json", "card.draft.json"
"""A model under its draft's name is not offered by the page."""
QUALITY = "quality.json"
"""What recipes.ddpm_quality measured, beside the folder of the model."""
LARGEST_FILE = 10_000_000
"""Bytes; a Space refuses larger files that are not in its large-file store."""


@dataclass(slots=True)
class Progress:
    """How far a training is.

    `restarts` counts the starts from half-precision weights, without optimiser moments. In a last phase the learning rate
    falls to 0 over `finish_images` images from `finish_from` on; `finish_images` is 0 before it. `device` and `machine` are where it learned
    last; on a GPU `gpu_seconds`, wall time, count and `cpu_seconds` do not. `text_until`: images after which the text encoder
    of a text-to-image model no longer learned; None while it does.
    `folder`: whether the pictures came from a folder that was named, and not from the usual place.
    """

    seed: int = 0
    images: int = 0
    steps: int = 0
    cpu_seconds: float = 0.0
    restarts: int = 0
    finish_from: int = 0
    finish_images: int = 0
    device: str = "cpu"
    machine: str = ""
    gpu_seconds: float = 0.0
    text_until: int | None = None
    folder: bool = False

    def spend(self, wall: float, cpu: float) -> None:
        """Counts the seconds of a stretch of training by the clock of its device."""
        if self.device == "cpu":
            self.cpu_seconds += cpu
        else:
            self.gpu_seconds += wall

    @property
    def finished(self) -> float:
        """Share of the last phase that is over, 0 to 1; 0 before it."""
        if not self.finish_images:
            return 0.0
        return min(1.0, (self.images - self.finish_from) / self.finish_images)


def build_unet(seed: int, architecture: dict[str, Any]) -> UNet2DModel:
    """The network with fresh weights that `seed` decides."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet2DModel(**architecture)


def save_folder(weights: dict[str, Tensor], folder: Path, architecture: dict[str, Any]) -> str:
    """Writes `weights` in half precision with the configs of network and sampler; returns the sha256 of the weights.

    The folder appears whole or not at all, so that a stopped training leaves the last good one.

    Raises:
        ValueError: a weight is not finite in half precision.
    """
    model = build_unet(0, architecture)
    model.load_state_dict(weights)
    model.half()
    bad = [name for name, tensor in model.state_dict().items() if not tensor.isfinite().all()]
    if bad:
        raise ValueError(f"{bad[0]} is not finite in half precision.")
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    model.save_pretrained(new)
    scheduler = DDIMScheduler(
        num_train_timesteps=STEPS, beta_start=BETA_FIRST, beta_end=BETA_LAST, beta_schedule="linear",
        prediction_type="epsilon", clip_sample=True, timestep_spacing="trailing",
    )  # fmt: skip
    scheduler.save_pretrained(new)
    for path in new.iterdir():
        path.chmod(0o644)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    return sha256(folder / WEIGHTS)


def load_folder(folder: Path) -> UNet2DModel:
    """The network of a folder in float32, in eval mode."""
    model: UNet2DModel = UNet2DModel.from_pretrained(folder, torch_dtype=torch.float32, local_files_only=True)
    return model.eval()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_of(work: Path) -> str:
    """sha256 of the weights of the model in `work`.

    Raises:
        FileNotFoundError: there is none.
    """
    if not (work / "model" / WEIGHTS).exists():
        raise FileNotFoundError(f"{work} holds no model: train one with python -m recipes.ddpm.")
    return sha256(work / "model" / WEIGHTS)


def machine(device: str = "cpu") -> str:
    """What trains, in words."""
    name = "CPU" if device == "cpu" else device_name(torch.device(device))
    return f"{platform.machine()}, {name}, torch {torch.__version__}"


def gold_file(without: str) -> str:
    """Where the weights of a training without a class lie in the model's folder."""
    return f"retrained/class-{without.replace(' ', '-')}.safetensors"


def card_of(folder: Path) -> ModelCard | None:
    """The card of a published model, or the draft of one, or None."""
    for name in (CARD, DRAFT):
        if (folder / name).exists():
            return read_card(folder, name)
    return None


def published_files(folder: Path, recipe: Recipe, without: str | None) -> tuple[Path, dict[str, Any]] | None:
    """The published weights of a training and how far it was, or None: from them it goes on where its full state is gone."""
    card = card_of(folder)
    if card is None:
        return None
    if without is None:
        return folder / WEIGHTS, {"seed": card.seed, "cpu_seconds": card.cpu_seconds, **card.training}
    gold = next((gold for gold in card.retrained if gold.spec == f"class:{without}"), None)
    if gold is None:
        return None
    return folder / gold.file, {"seed": gold.seed, "cpu_seconds": gold.cpu_seconds, **gold.training}


def measured(work: Path, digest: str) -> dict[str, Any]:
    """What was measured on the weights `digest` of `work`: `metrics`, `quality` and `records`, all empty where nothing was.

    Raises:
        ValueError: it was measured on other weights.
    """
    if not (work / QUALITY).exists():
        return {"metrics": {}, "quality": {}, "records": {}}
    found: dict[str, Any] = json.loads((work / QUALITY).read_text(encoding="utf-8"))
    if found.pop("sha256") != digest:
        raise ValueError("The measured quality is that of other weights: run recipes.ddpm_quality again.")
    return found


def trained(progress: Progress, command: str, golds: tuple[GoldStandard, ...]) -> dict[str, Any]:
    """The fields of a generator's card that say how it was trained and retrained; times are those of one thread's CPU.

    What a GPU took is wall time, and no run on another machine is compared with it.
    """
    seconds = round(progress.cpu_seconds)
    on_gpu = progress.gpu_seconds > 0
    return {
        "licence": "MIT",
        "source": "bundled",
        "seed": progress.seed,
        "recipe": commands(command, progress),
        "machine": progress.machine or machine(),
        "threads": 1,
        "precision": "bf16 autocast",
        "wall_seconds": round(progress.gpu_seconds) if on_gpu else None,
        "cpu_seconds": seconds,
        "retrain_seconds": None if on_gpu else golds[0].cpu_seconds if golds else seconds,
        "retrain_threads": 1,
        "retrain_clock": "cpu",
        "retrained": golds,
    }


def publish(work: Path, target: Path, progress: Progress, recipe: Recipe, command: str, *, draft: bool) -> ModelCard:
    """Copies the model of `work` to `target` with its card and what was measured on it; retrained models there stay.

    Raises:
        FileNotFoundError: there is no model in `work`.
        ValueError: the quality that lies beside it belongs to other weights, or a file would reach LARGEST_FILE.
    """
    source = work / "model"
    digest = digest_of(work)
    found = measured(work, digest)
    _refuse_large(source)
    before = card_of(target)
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.iterdir()):
        shutil.copyfile(path, target / path.name)
    golds = () if before is None else before.retrained
    card = ModelCard(
        id=target.name,
        title=recipe.title,
        kind="ddpm",
        summary=recipe.summary,
        dataset=recipe.data.id,
        data_licence=recipe.data.licence,
        architecture={"name": "UNet2DModel"},
        parameters=sum(p.numel() for p in load_folder(target).parameters()),
        file=WEIGHTS,
        bytes=(target / WEIGHTS).stat().st_size,
        sha256=digest,
        metrics=found["metrics"],
        folder=target,
        **trained(progress, command, golds),
        judge=recipe.judge,
        sampling=Sampling(steps=PAGE.steps, guidance=PAGE.guidance),
        records={spec: read_records(rows) for spec, rows in found["records"].items()},
        training=said_of(progress, command, found["quality"]),
    )
    _write(card, draft)
    return card


def publish_gold(work: Path, target: Path, progress: Progress, without: str, command: str) -> ModelCard:
    """Copies the weights of `work`, trained without a class, into the folder of the published original and its card.

    Raises:
        FileNotFoundError: there is no model in `work`, or no original in `target`.
        ValueError: the quality that lies beside it belongs to other weights, or a file would reach LARGEST_FILE.
    """
    before = card_of(target)
    if before is None:
        raise FileNotFoundError(f"{target} holds no original: publish it first.")
    spec, file = f"class:{without}", gold_file(without)
    digest = digest_of(work)
    found = measured(work, digest)
    _refuse_large(work / "model")
    (target / file).parent.mkdir(exist_ok=True)
    shutil.copyfile(work / "model" / WEIGHTS, target / file)
    gold = GoldStandard(
        spec=spec,
        twin=False,
        file=file,
        bytes=(target / file).stat().st_size,
        sha256=digest,
        seed=progress.seed,
        wall_seconds=None,
        cpu_seconds=round(progress.cpu_seconds),
        metrics=found["metrics"],
        records=read_records(found["records"].get(spec, {})),
        training={"recipe": commands(command, progress), **said_of(progress, command, found["quality"])},
    )
    others = tuple(one for one in before.retrained if one.spec != spec)
    card = replace(before, retrained=(gold, *others), retrain_seconds=gold.cpu_seconds)
    _write(card, not (target / CARD).exists())
    return card


def commands(command: str, progress: Progress) -> str:
    """A line that trains what `progress` says, from nothing: `command` to the last phase, and then the last phase."""
    before = progress.finish_from if progress.finish_images else progress.images
    line = ""
    if progress.text_until is not None:
        line = f"{command} --images {progress.text_until} && " if progress.text_until else ""
        command += " --keep-text"
    line += f"{command} --images {before}"
    if progress.finish_images:
        line += f" && {command} --finish {progress.finish_images}"
        if progress.finished < 1:
            line += f" --images {progress.images}"
    return line


def said_of(progress: Progress, command: str, quality: dict[str, Any], pace: float | None = None) -> dict[str, Any]:
    """What a card says of a training that `command` begins, and of its samples where they were measured."""
    state = "where its full state is there"
    if progress.finish_images:
        state = f"where the state before the last phase is there, of {progress.finish_from} images"
    return {
        "images_seen": progress.images,
        "steps": progress.steps,
        "restarts_from_half_precision": progress.restarts,
        "weights": "exponential moving average, half precision",
        "last_phase_images": progress.finish_images,
        "resume": f"{command} --images N, N in all (from .work/, {state}, else from these weights)",
        **({} if pace is None else {"cpu_seconds_per_image": round(pace, 6)}),
        **({"quality": quality} if quality else {}),
    }


def _refuse_large(folder: Path) -> None:
    for path in folder.iterdir():
        if path.stat().st_size >= LARGEST_FILE:
            raise ValueError(f"{path.name} has {path.stat().st_size} bytes, {LARGEST_FILE} is too many.")


def _write(card: ModelCard, draft: bool) -> None:
    write_card(card, DRAFT if draft else CARD)
    (card.folder / (CARD if draft else DRAFT)).unlink(missing_ok=True)
