"""Publishing a latent model with its card, and going on from what was published."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import torch
from diffusers import DiTTransformer2DModel, UNet2DConditionModel
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPTextModel

from recipes.ddpm_folder import (
    CARD,
    DRAFT,
    LARGEST_FILE,
    Progress,
    card_of,
    commands,
    measured,
    said_of,
    sha256,
    trained,
)
from recipes.latents_concepts import write_concepts
from recipes.latents_folder import MAIN, WEIGHTS
from recipes.latents_sets import LatentRecipe, TextUNet
from sfr_core.data.splits import forget_spec
from sfr_core.zoo.cards import GoldStandard, ModelCard, Sampling, read_card, read_records, write_card

JUDGES = {"emoji-dit": "emoji-judge", "emoji-sd": "emoji-concepts-judge"}
STEPS, GUIDANCE = 20, 3.0
DATASET = "emoji"
DATA_LICENCE = (
    "Google's pictures: Apache-2.0; Twitter's pictures: CC BY 4.0, (c) Twitter, Inc and other contributors; "
    "keywords: MIT, (c) Mu-An Chiou (emojilib)"
)
KINDS = {"emoji-dit": "dit", "emoji-sd": "text-to-image"}


def main_file(recipe: LatentRecipe) -> str:
    """The weights that a run changes, in the folder of the pipeline."""
    return f"{MAIN[recipe.id]}/{WEIGHTS}"


def begun_weights(folder: Path, recipe: LatentRecipe, without: str | None) -> tuple[dict[str, Tensor], Progress] | None:
    """The published weights of a training in float32 and how far it was, or None; of a twin also those that are a draft."""
    card = card_of(folder)
    if card is None:
        return None
    found: ModelCard | GoldStandard = card
    if without is None:
        weights = _pipeline_weights(folder, recipe)
    else:
        cards = [read_card(folder, name) for name in (CARD, DRAFT) if (folder / name).exists()]
        golds = (gold for one in cards for gold in one.retrained if gold.spec.partition(":")[2] == without)
        if (gold := next(golds, None)) is None:
            return None
        found, weights = gold, _twin_weights(folder, gold.file, recipe)
    said = {
        "seed": found.seed,
        "cpu_seconds": found.cpu_seconds,
        "gpu_seconds": found.wall_seconds or 0.0,
        **found.training,
    }
    progress = Progress(
        seed=said["seed"], images=said["images_seen"], steps=said["steps"], cpu_seconds=said["cpu_seconds"],
        restarts=said["restarts_from_half_precision"] + 1, gpu_seconds=said["gpu_seconds"],
        text_until=0 if recipe.text and without is not None else None,
    )  # fmt: skip
    return weights, progress


def _twin_weights(folder: Path, file: str, recipe: LatentRecipe) -> dict[str, Tensor]:
    """Of a twin only what a run changes is kept; its text encoder is the original's."""
    weights = {name: tensor.float() for name, tensor in load_file(folder / file).items()}
    if not recipe.text:
        return weights
    text = {
        name: tensor for name, tensor in _pipeline_weights(folder, recipe).items() if name.startswith("text_encoder.")
    }
    return {**text, **{f"unet.{name}": tensor for name, tensor in weights.items()}}


def _pipeline_weights(folder: Path, recipe: LatentRecipe) -> dict[str, Tensor]:
    if recipe.text:
        unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32, local_files_only=True)
        text = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32, local_files_only=True)
        return dict(TextUNet(unet, text).state_dict())
    model = DiTTransformer2DModel.from_pretrained(
        folder / "transformer", torch_dtype=torch.float32, local_files_only=True
    )
    return dict(model.state_dict())


def command_of(recipe: LatentRecipe, progress: Progress, without: str | None) -> str:
    """What begins a training, without its end."""
    left_out = "" if without is None else f' --without "{without}"' if " " in without else f" --without {without}"
    device = "" if progress.device == "cpu" else f" --device {progress.device}"
    return f"python -m recipes.latents {recipe.id}{device} --seed {progress.seed}{left_out}"


def publish(
    work: Path, target: Path, progress: Progress, recipe: LatentRecipe, without: str | None, *, draft: bool,
    pace: float | None = None,
) -> ModelCard:  # fmt: skip
    """Copies the pipeline of `work` to `target` with its card and what was measured on it; or a retrained twin beside it.

    `draft`: only trainings know it, no page offers it.

    `pace`: CPU seconds a picture, where a GPU trained it.

    Raises:
        FileNotFoundError: there is no model in `work`, or no original to put a twin beside.
        ValueError: what was measured belongs to other weights, a file would reach LARGEST_FILE, or it is the twin of a
            text-to-image model with another text encoder, which no file holds.
    """
    source = work / "model"
    if not (source / main_file(recipe)).exists():
        raise FileNotFoundError(f"{work} holds no model: train one with python -m recipes.latents {recipe.id}.")
    for path in source.rglob("*"):
        if path.is_file() and path.stat().st_size >= LARGEST_FILE:
            raise ValueError(f"{path.name} has {path.stat().st_size} bytes, {LARGEST_FILE} is too many.")
    if without is not None:
        return _publish_gold(work, target, progress, recipe, without, draft=draft)
    digest = sha256(source / main_file(recipe))
    found = measured(work, digest)
    before = card_of(target)
    golds = () if before is None else before.retrained
    for path in sorted(source.rglob("*")):
        if path.is_file():
            (target / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.relative_to(source))
    if recipe.text:
        write_concepts(target)
    if (work / "samples.png").exists():
        shutil.copyfile(work / "samples.png", target / "samples.png")
    parts = {str(path.relative_to(target)): path for path in sorted(target.glob("*/*.safetensors"))}
    command = command_of(recipe, progress, None)
    card = ModelCard(
        id=target.name,
        title=recipe.title,
        kind=KINDS[recipe.id],  # type: ignore[arg-type]
        summary=recipe.summary,
        dataset=DATASET,
        data_licence=DATA_LICENCE,
        architecture={"name": "UNet2DConditionModel" if recipe.text else "DiTTransformer2DModel"},
        parameters=sum(tensor.numel() for tensor in load_file(target / main_file(recipe)).values()),
        file=main_file(recipe),
        bytes=(target / main_file(recipe)).stat().st_size,
        sha256=digest,
        metrics=found["metrics"],
        folder=target,
        **trained(progress, f"{command} --fresh", golds),
        parts={
            name: sha256(path)
            for name, path in parts.items()
            if name != main_file(recipe) and not name.startswith("retrained")
        },
        judge=JUDGES[recipe.id],
        sampling=Sampling(steps=STEPS, guidance=GUIDANCE),
        records={spec: read_records(rows) for spec, rows in found["records"].items()},
        training=said_of(progress, command, found["quality"], pace),
    )
    _write(card, draft)
    return card


def _publish_gold(
    work: Path, target: Path, progress: Progress, recipe: LatentRecipe, without: str, *, draft: bool
) -> ModelCard:
    before = card_of(target)
    if before is None:
        raise FileNotFoundError(f"{target} holds no original: publish it first.")
    if recipe.text and _text_of(work / "model") != _text_of(target):
        raise ValueError("This twin has a text encoder of its own: train it with --keep-text.")
    spec = forget_spec(before.kind, without)
    file = target / "retrained" / f"{spec.replace(':', '-').replace(' ', '-')}.safetensors"
    file.parent.mkdir(exist_ok=True)
    shutil.copyfile(work / "model" / main_file(recipe), file)
    digest = sha256(file)
    found = measured(work, digest)
    command = command_of(recipe, progress, without)
    gold = GoldStandard(
        spec=spec,
        twin=False,
        file=str(file.relative_to(target)),
        bytes=file.stat().st_size,
        sha256=digest,
        seed=progress.seed,
        wall_seconds=round(progress.gpu_seconds) or None,
        cpu_seconds=round(progress.cpu_seconds),
        metrics=found["metrics"],
        records=read_records(found["records"].get(spec, {})),
        training={"recipe": commands(f"{command} --fresh", progress), **said_of(progress, command, found["quality"])},
    )
    others = tuple(one for one in before.retrained if one.spec != gold.spec)
    card = replace(before, retrained=(gold, *others), retrain_seconds=gold.cpu_seconds or None)
    if draft:  # beside the card of the original, which does not name it yet
        write_card(card, DRAFT)
    else:
        _write(card, not (target / CARD).exists())
    return card


def _text_of(folder: Path) -> str:
    return sha256(folder / "text_encoder" / "model.safetensors")


def _write(card: ModelCard, draft: bool) -> None:
    write_card(card, DRAFT if draft else CARD)
    (card.folder / (CARD if draft else DRAFT)).unlink(missing_ok=True)
