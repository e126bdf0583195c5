"""The golden cases as tasks (sfr_core/tasks/base.py): stored batches in the stored order, stored draws, no generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.data.datasets import Dataset, Pictures, without_pictures
from sfr_core.data.splits import ForgetSpec, Split
from sfr_core.ops.learned_variance import LearnedVariance
from sfr_core.tasks.base import Part
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.ddpm import ddpm_task
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.tasks.dit import dit_task
from tests.core.tiny import TinyNet
from tests.golden.cases import Case
from tests.golden.networks import Ddpm, Dit


@dataclass(frozen=True)
class Batch:
    """Rows `rows` of a set, with the draws stored for them. `phase` is the name of the stored list, `number` its place."""

    phase: str
    number: int
    rows: list[int]
    x: Tensor
    y: Tensor
    draws: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """One call for losses: what came out and in which mode the model was."""

    batch: Batch
    training: bool
    losses: Tensor


class GoldenTask:
    """Plays the lists of a case; every call for losses is noted in `asked`."""

    def __init__(self, case: Case, model: nn.Module) -> None:
        self.case = case
        self.model = model
        self.asked: list[Asked] = []
        self._played: dict[str, int] = {}
        model.load_state_dict(case.tensors("init", given=True))

    def parameters(self) -> dict[str, nn.Parameter]:
        return dict(self.model.named_parameters())

    def count(self, part: Part) -> int:
        return len(self.case.inputs[f"{part}.x"])

    def batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[Batch]:
        return self._one_pass(part, part)

    def fisher_batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[Batch]:
        lists = self.lists()
        phase = f"fisher_{part}" if f"fisher_{part}" in lists else "saliency"
        return (self._batch(phase, part, number, rows) for number, rows in enumerate(lists[phase]))

    def fisher_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        return self.losses(batch, rng)

    def losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        return self.note(batch, self.own_losses(batch))

    def own_losses(self, batch: Batch) -> Tensor:
        raise NotImplementedError

    def note(self, batch: Batch, losses: Tensor) -> Tensor:
        assert losses.shape == (len(batch.rows),)
        self.asked.append(Asked(batch, self.model.training, losses.detach().clone()))
        return losses

    def lists(self) -> dict[str, list[list[int]]]:
        """The stored row numbers by phase."""
        found: dict[str, list[list[int]]] = dict(self.case.settings["batches"])
        if "saliency_forget" in found:
            found["saliency"] = found.pop("saliency_forget")
        return found

    def _one_pass(self, phase: str, source: str) -> Iterator[Batch]:
        """The next stored batches, up to the first that repeats a row of this pass."""
        lists, seen = self.lists()[phase], set[int]()
        while (number := self._played.get(phase, 0)) < len(lists) and not seen & set(lists[number]):
            seen |= set(lists[number])
            self._played[phase] = number + 1
            yield self._batch(phase, source, number, lists[number])

    def _batch(self, phase: str, source: str, number: int, rows: list[int]) -> Batch:
        draws = self.case.tensors(f"{phase}.{number:02d}", given=True)
        return Batch(phase, number, rows, self._rows(source, "x", rows), self._rows(source, "y", rows), draws)

    def _rows(self, source: str, name: str, rows: list[int]) -> Tensor:
        return self.case.inputs[f"{source}.{name}"][rows]


class ClassifierTask(GoldenTask):
    """Softmax cross-entropy."""

    def __init__(self, case: Case) -> None:
        super().__init__(case, TinyNet())

    def own_losses(self, batch: Batch) -> Tensor:
        return F.cross_entropy(self.model(batch.x), batch.y, reduction="none")


class BaselineTask(ClassifierTask):
    """The baselines' cases: one list for all steps, and passes over the union (forget rows first)."""

    def lists(self) -> dict[str, list[list[int]]]:
        found: dict[str, list[list[int]]] = {"saliency": self.case.settings.get("saliency_batches", [])}
        for batch in self.case.settings["batches"]:
            found.setdefault(batch["set"], []).append(batch["rows"])
        return found

    def union_batches(self, size: int, rng: torch.Generator) -> Iterator[Batch]:
        return self._one_pass("union", "union")

    def is_forget(self, batch: Batch) -> Tensor:
        return torch.tensor(batch.rows) < self.count("forget")

    def logits(self, batch: Batch, model: nn.Module | None = None) -> Tensor:
        logits: Tensor = (model or self.model)(batch.x)
        return logits

    def redirect_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        wrong = torch.cat([self.case.inputs["forget.y_wrong"], self.case.inputs["remain.y"]])[batch.rows]
        return self.note(batch, F.cross_entropy(self.model(batch.x), wrong, reduction="none"))

    def new_model(self, rng: torch.Generator) -> nn.Module:
        teacher = TinyNet()
        teacher.load_state_dict(self.case.tensors("bad_teacher", given=True))
        return teacher

    def _rows(self, source: str, name: str, rows: list[int]) -> Tensor:
        if source != "union":
            return super()._rows(source, name, rows)
        return torch.cat([self.case.inputs[f"forget.{name}"], self.case.inputs[f"remain.{name}"]])[rows]


class DiffusionCase(GoldenTask):
    """The real task, but for its draws: times, noise and label dropout of the batch that is being played are the stored ones."""

    def __init__(self, case: Case, model: nn.Module, real: DiffusionTask, scale: tuple[float, float]) -> None:
        super().__init__(case, model)
        self.real, self._scale = real, scale
        self.terms: dict[tuple[str, int], tuple[Tensor, Tensor]] = {}
        denoiser, schedule = real.denoiser, real.denoiser.schedule
        if (pseudo := case.settings.get("pseudo_class")) is not None:
            real.instead[case.settings["forget_class"]] = pseudo
        if denoiser.variance is not None:
            denoiser.variance = NotedVariance()
        schedule.times = lambda n, rng: self._batch_played.draws["t"]  # type: ignore[method-assign]
        denoiser.noise = lambda shape, rng: self._batch_played.draws["noise"]  # type: ignore[method-assign]
        denoiser.dropped = self._dropped  # type: ignore[method-assign]

    def own_losses(self, batch: Batch) -> Tensor:
        losses = self._play("losses", batch)
        if isinstance(variance := self.real.denoiser.variance, NotedVariance):
            self.terms[batch.phase, batch.number] = (losses.detach() - variance.noted, variance.noted)
        return losses

    def fisher_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        return self.note(batch, self._play("fisher_losses", batch))

    def redirect_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        return self.note(batch, self._play("redirect_losses", batch))

    def _play(self, name: str, batch: Batch) -> Tensor:
        self._batch_played = batch
        factor, shift = self._scale
        pictures = LabelledBatch(factor * batch.x + shift, batch.y, torch.tensor(batch.rows))
        losses: Tensor = getattr(self.real, name)(pictures, torch.Generator())
        return losses

    def _dropped(self, labels: Tensor, rng: torch.Generator) -> Tensor:
        played = self._batch_played
        mine = torch.equal(labels, played.y)  # the other side of a redirection has its own draw
        keep = played.draws["keep"] if mine else played.draws.get("keep_pseudo", played.draws["keep"])
        return torch.where(keep, labels, self.real.null)


class NotedVariance(LearnedVariance):
    """Notes what it gave."""

    noted: Tensor

    def bits(self, *arguments: Tensor) -> Tensor:
        found = super().bits(*arguments)
        self.noted = found.detach()
        return found


def ddpm_case(case: Case) -> DiffusionCase:
    """sfr_core.tasks.ddpm on the stored draws; the recorded pictures lie between 0 and 1."""
    model = Ddpm()
    channels, height, width = case.inputs["forget.x"].shape[1:]
    blank = np.zeros((1, height, width, channels), np.uint8)
    pictures = Pictures(blank, np.zeros(1, np.int64))
    dataset = Dataset("golden", tuple("0123456789"), pictures, pictures, (0.5,), (0.5,), mirror=False)
    scale = case.settings["guidance"]["cond_scale"]
    real = ddpm_task(model, dataset, split_of(case), None, device=torch.device("cpu"), fisher_scale=scale)
    return DiffusionCase(case, model, real, (2.0, -1.0))


def dit_case(case: Case) -> DiffusionCase:
    """sfr_core.tasks.dit on the stored draws."""
    model = Dit(case.settings["null_class"], case.tensors("init", given=True)["conv_out.weight"].shape[0] == 8)
    classes = tuple(map(str, range(model.config.num_embeds_ada_norm)))
    real = dit_task(
        model, nn.Identity(), without_pictures("golden", classes, 8), split_of(case), None, device=torch.device("cpu"),
        redirection="label",
    )  # fmt: skip
    return DiffusionCase(case, model, real, (0.18215, 0.0))


def split_of(case: Case) -> Split:
    """The forgotten class; the rows are the case's own."""
    none = np.zeros(0, np.int64)
    return Split(ForgetSpec(text="golden", classes=(case.settings["forget_class"],)), none, none)


def open_task(case: Case) -> GoldenTask:
    """The task of a case, at its start weights."""
    if case.settings["network"] == "classifier":
        return BaselineTask(case) if case.settings["kind"].startswith("baseline") else ClassifierTask(case)
    return ddpm_case(case) if case.settings["network"] == "ddpm" else dit_case(case)
