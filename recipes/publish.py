"""Publishing a generator with its card: what every recipe says of its model, the folder on disk, what was measured, and going on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from diffusers import DDIMScheduler
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from recipes.learner import Progress, Rates, machine
from sfr_core.data.splits import forget_spec
from sfr_core.nets.judge import Verdict
from sfr_core.nets.pipelines import sha256_of
from sfr_core.ops.diffusion import BETA_FIRST, BETA_LAST, STEPS
from sfr_core.zoo.cards import SAMPLES, ModelCard, RetrainedModel, Sampling, read_card, write_card

WEIGHTS = "diffusion_pytorch_model.safetensors"
CARD, DRAFT = "card.json", "card.draft.json"
"""A model under its draft's name is not offered by the page."""
QUALITY = "quality.json"
"""What a quality recipe measured, beside the folder of the model."""
LARGEST_FILE = 10_000_000
"""Bytes; a Space refuses larger files that are not in its large-file store."""


@dataclass(frozen=True, kw_only=True)
class GeneratorRecipe(Rates):
    """What every recipe of a generator says of its model.

    Attributes:
        id, title, summary, kind, judge, sampling: as on its card.
        network: name of the class that a run changes.
        file: its weights, in the model's folder.
        program: what begins its training, without seed and end.
        afresh: what `program` needs besides, to begin from nothing where weights are published.
    """

    id: str
    title: str
    summary: str
    kind: str
    judge: str
    sampling: Sampling
    network: str
    file: str
    program: str
    afresh: str = ""

    def source(self) -> tuple[str, str]:
        """The data set and its licence, as the card says them."""
        raise NotImplementedError

    def command(self, progress: Progress, without: str | None) -> str:
        """What begins a training, without its end; a folder stands in it without its place, which is another one elsewhere."""
        device = "" if progress.device == "cpu" else f" --device {progress.device}"
        left_out = "" if without is None else f' --without "{without}"' if " " in without else f" --without {without}"
        return f"{self.program}{device} --seed {progress.seed}{left_out}{' --folder DIR' if progress.folder else ''}"

    def published_weights(self, folder: Path, file: str) -> dict[str, Tensor]:
        """The weights in `file` of a published folder, in float32, as the training has them."""
        return {name: tensor.float() for name, tensor in load_file(folder / file).items()}

    def check_retrained(self, model: Path, target: Path) -> None:
        """Refuses (ValueError) a retrained model of which `file` is not all that differs from the original in `target`."""

    def complete(self, target: Path) -> None:
        """Adds to the published folder what is no weight."""


def digest_of(work: Path, recipe: GeneratorRecipe) -> str:
    """sha256 of the weights of the model in `work`; FileNotFoundError where there is none."""
    path = work / "model" / recipe.file
    if not path.exists():
        raise FileNotFoundError(f"{work} holds no model: train one with {recipe.program}.")
    return sha256_of(path)


def retrained_file(spec: str) -> str:
    """Where the weights retrained without a forget set lie in the model's folder."""
    return f"retrained/{spec.replace(':', '-').replace('@', '-seed').replace(' ', '-')}.safetensors"


def scheduler(**own: Any) -> DDIMScheduler:
    """The sampler that every generator here is published with."""
    return DDIMScheduler(
        num_train_timesteps=STEPS,
        beta_start=BETA_FIRST,
        beta_end=BETA_LAST,
        beta_schedule="linear",
        prediction_type="epsilon",
        timestep_spacing="trailing",
        **own,
    )


def save_half(parts: Sequence[nn.Module], folder: Path, save: Callable[[Path], None]) -> None:
    """Turns `parts` to half precision and lets `save` write them into a folder that appears whole or not at all.

    So a stopped training leaves the last good one. ValueError: a weight is not finite in half precision.
    """
    for part in parts:
        bad = [name for name, tensor in part.half().state_dict().items() if not tensor.isfinite().all()]
        if bad:
            raise ValueError(f"{bad[0]} is not finite in half precision.")
    new = folder.with_name(folder.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    save(new)
    for path in new.rglob("*"):
        if path.is_file():
            path.chmod(0o644)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)


def cards_of(folder: Path) -> list[ModelCard]:
    """The card of a published model and the draft of one, where they are."""
    return [read_card(folder, name) for name in (CARD, DRAFT) if (folder / name).exists()]


def begun(folder: Path, recipe: GeneratorRecipe, without: str | None) -> tuple[dict[str, Tensor], Progress] | None:
    """The published weights of a training and how far it was, or None; of a retrained model also those of a draft."""
    cards = cards_of(folder)
    found: Sequence[ModelCard | RetrainedModel] = cards[:1]
    if without is not None:
        spec = forget_spec(recipe.kind, without)
        found = [one for card in cards for one in card.retrained if one.spec == spec]
    if not found:
        return None
    model, said = found[0], found[0].training
    progress = Progress(
        seed=model.seed,
        images=said["images_seen"],
        steps=said["steps"],
        cpu_seconds=model.cpu_seconds,
        gpu_seconds=model.wall_seconds or 0.0,
        restarts=said["restarts_from_half_precision"] + 1,
        # A retrained text-to-image model has the original's text encoder.
        text_until=0 if recipe.kind == "text-to-image" and without is not None else None,
    )
    return recipe.published_weights(folder, model.file), progress


def measured(work: Path, digest: str) -> dict[str, Any]:
    """The `metrics` and `quality` that were measured in `work`, empty where none were; ValueError if on other weights."""
    if not (work / QUALITY).exists():
        return {"metrics": {}, "quality": {}}
    found: dict[str, Any] = json.loads((work / QUALITY).read_text(encoding="utf-8"))
    if found.pop("sha256") != digest:
        raise ValueError("The measured quality is that of other weights: measure it again.")
    return found


def publish(
    work: Path, target: Path, progress: Progress, recipe: GeneratorRecipe, without: str | None = None, *,
    draft: bool,
) -> ModelCard:  # fmt: skip
    """Copies the model of `work` to `target` with its card and what was measured on it; or a retrained one beside it.

    Retrained models that are there stay, and so do the records of the same weights. Times are those of one thread's CPU; what a GPU
    took is wall time, and no run on another machine is compared with it.

    Args:
        work, target: folders of the training and of the published model. progress, recipe: how far which training is.
        without: what the model was retrained without.
        draft: only trainings know it, no page offers it.

    Raises:
        FileNotFoundError: there is no model in `work`, or no original to put a retrained one beside.
        ValueError: what was measured belongs to other weights, a file would reach LARGEST_FILE, or `recipe.check_retrained`.
    """
    source, before = work / "model", next(iter(cards_of(target)), None)
    if without is not None and before is None:
        raise FileNotFoundError(f"{target} holds no original: publish it first.")
    digest = digest_of(work, recipe)
    found = measured(work, digest)
    for path in source.rglob("*"):
        if path.is_file() and path.stat().st_size >= LARGEST_FILE:
            raise ValueError(f"{path.name} has {path.stat().st_size} bytes, {LARGEST_FILE} is too many.")
    command = recipe.command(progress, without)
    training = said_of(progress, command, found["quality"])
    made: dict[str, Any] = {
        "bytes": (source / recipe.file).stat().st_size,
        "sha256": digest,
        "seed": progress.seed,
        "wall_seconds": round(progress.gpu_seconds) or None,
        "cpu_seconds": round(progress.cpu_seconds),
        "metrics": found["metrics"],
    }
    line = commands(command + recipe.afresh, progress)
    if without is not None and before is not None:
        recipe.check_retrained(source, target)
        spec = forget_spec(recipe.kind, without)
        file = target / retrained_file(spec)
        file.parent.mkdir(exist_ok=True)
        shutil.copyfile(source / recipe.file, file)
        records = next((one.records for one in before.retrained if one.sha256 == digest), {})
        retrained = RetrainedModel(
            spec=spec,
            second=False,
            file=retrained_file(spec),
            records=records,
            training={"recipe": line, **training},
            **made,
        )
        others = tuple(one for one in before.retrained if one.spec != spec)
        card = replace(before, retrained=(retrained, *others), retrain_seconds=retrained.cpu_seconds or None)
        if draft:  # beside the card of the original, which does not name it yet
            write_card(card, DRAFT)
        else:
            _write(card, not (target / CARD).exists())
        return card
    shutil.copytree(source, target, copy_function=shutil.copyfile, dirs_exist_ok=True)
    recipe.complete(target)
    if (work / SAMPLES).exists():
        shutil.copyfile(work / SAMPLES, target / SAMPLES)
    parts = {str(path.relative_to(target)): path for path in sorted(target.glob("*/*.safetensors"))}
    kept = () if before is None else before.retrained
    dataset, licence = recipe.source()
    card = ModelCard(
        id=target.name,
        title=recipe.title,
        kind=recipe.kind,
        summary=recipe.summary,
        dataset=dataset,
        data_licence=licence,
        licence="MIT",
        source="bundled",
        architecture={"name": recipe.network},
        parameters=sum(tensor.numel() for tensor in load_file(target / recipe.file).values()),
        file=recipe.file,
        folder=target,
        recipe=line,
        machine=progress.machine or machine(),
        threads=1,
        precision="bf16 autocast",
        retrain_seconds=None if made["wall_seconds"] else kept[0].cpu_seconds if kept else made["cpu_seconds"],
        retrain_threads=1,
        retrain_clock="cpu",
        retrained=kept,
        parts={n: sha256_of(p) for n, p in parts.items() if n != recipe.file and p.parent.name != "retrained"},
        judge=recipe.judge,
        sampling=recipe.sampling,
        records=before.records if before is not None and before.sha256 == digest else {},
        training=training,
        **made,
    )
    _write(card, draft)
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


def said_of(progress: Progress, command: str, quality: dict[str, Any]) -> dict[str, Any]:
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
        **({"quality": quality} if quality else {}),
    }


def _write(card: ModelCard, draft: bool) -> None:
    write_card(card, DRAFT if draft else CARD)
    (card.folder / (CARD if draft else DRAFT)).unlink(missing_ok=True)


def percent(hits: NDArray[np.bool_]) -> float:
    return round(100 * float(hits.mean()), 2)


def shares(found: Verdict, right: Collection[int]) -> dict[str, float]:
    """Of samples that should show one of the classes `right`, in percent: accepted as one, one the best class, rejected."""
    return {
        "accuracy": percent(np.isin(found.labels, list(right))),
        "plain_accuracy": percent(np.isin(found.plain, list(right))),
        "rejected": percent(found.rejected),
    }


def means(rows: Mapping[str, Mapping[str, float]], digits: int) -> dict[str, float]:
    """The mean over the rows of everything that they say."""
    keys = next(iter(rows.values()))
    return {key: round(float(np.mean([row[key] for row in rows.values()])), digits) for key in keys}


def write_quality(work: Path, digest: str, metrics: dict[str, float], quality: dict[str, Any]) -> None:
    """Keeps what was measured on the weights `digest`, for `publish.measured`."""
    said = {"sha256": digest, "metrics": metrics, "quality": quality}
    (work / QUALITY).write_text(json.dumps(said) + "\n", encoding="utf-8")
