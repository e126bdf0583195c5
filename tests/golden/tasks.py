"""The golden cases as tasks (sfr_core/tasks/base.py): stored batches in the stored order, stored draws, no generator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.data.datasets import without_pictures
from sfr_core.data.splits import ForgetSpec, Split
from sfr_core.ops.denoising import noised, paper_guidance, squared_error
from sfr_core.ops.diffusion import alphas_cumprod, guided
from sfr_core.ops.learned_variance import LearnedVariance
from sfr_core.tasks.base import Part
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.dit import DitTask as RealDitTask
from tests.golden.cases import Case
from tests.golden.networks import Classifier, Ddpm, Dit

NULL = 10
"""The label that means "no class" to `DdpmTask.predict`."""


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

    def forget_batches(self, size: int, rng: torch.Generator) -> Iterator[Batch]:
        return self._one_pass("forget", "forget")

    def remain_batches(self, size: int, rng: torch.Generator) -> Iterator[Batch]:
        return self._one_pass("remain", "remain")

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
        super().__init__(case, Classifier())

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

    def labels(self, batch: Batch) -> Tensor:
        return batch.y

    def redirect_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        wrong = torch.cat([self.case.inputs["forget.y_wrong"], self.case.inputs["remain.y"]])[batch.rows]
        return self.note(batch, F.cross_entropy(self.model(batch.x), wrong, reduction="none"))

    def new_model(self, rng: torch.Generator) -> nn.Module:
        teacher = Classifier()
        teacher.load_state_dict(self.case.tensors("bad_teacher", given=True))
        return teacher

    def _rows(self, source: str, name: str, rows: list[int]) -> Tensor:
        if source != "union":
            return super()._rows(source, name, rows)
        return torch.cat([self.case.inputs[f"forget.{name}"], self.case.inputs[f"remain.{name}"]])[rows]


class DdpmTask(GoldenTask):
    """The formulas of sfr_core.tasks.ddpm on stored draws: summed squared noise error, guided in Fisher and saliency."""

    def __init__(self, case: Case) -> None:
        super().__init__(case, Ddpm())
        self.abar = alphas_cumprod()

    def predict(self, x: Tensor, t: Tensor, y: Tensor) -> Tensor:
        """As diffusers' networks are asked: label NULL means "no class"."""
        prediction: Tensor = self.model(x, t, torch.where(y == NULL, 0, y), y != NULL)
        return prediction

    def noised(self, batch: Batch) -> Tensor:
        return noised(2.0 * batch.x - 1.0, batch.draws["noise"], self.abar[batch.draws["t"]])

    def own_losses(self, batch: Batch) -> Tensor:
        y = torch.where(batch.draws["keep"], batch.y, NULL)
        return squared_error(self.predict(self.noised(batch), batch.draws["t"], y), batch.draws["noise"])

    def fisher_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        w = paper_guidance(self.case.settings["guidance"]["cond_scale"])
        predicted = guided(self.predict, self.noised(batch), batch.draws["t"], batch.y, NULL, w)
        return self.note(batch, squared_error(predicted, batch.draws["noise"]))

    def redirect_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        x, t = self.noised(batch), batch.draws["t"]
        pseudo = torch.where(batch.draws["keep_pseudo"], self.case.settings["pseudo_class"], NULL)
        mine = self.predict(x, t, torch.where(batch.draws["keep"], batch.y, NULL))
        target = self.predict(x, t, pseudo).detach()
        return self.note(batch, (mine - target).square().mean((1, 2, 3)))


class StoredDraws(RealDitTask):
    """The real task, but for its draws: timesteps, noise and label dropout of the batch that is being played are the stored ones."""

    def __init__(self, case: Case, model: Dit) -> None:
        classes = tuple(map(str, range(model.config.num_embeds_ada_norm)))
        spec = ForgetSpec(text="golden", classes=(case.settings["forget_class"],))
        none = np.zeros(0, np.int64)
        super().__init__(
            model, nn.Identity(), without_pictures("golden", classes, 8), Split(spec, none, none), None,  # type: ignore[arg-type]
            device=torch.device("cpu"), redirect="label",
        )  # fmt: skip
        if (pseudo := case.settings.get("pseudo_class")) is not None:
            self._pseudo[case.settings["forget_class"]] = pseudo
        if self._variance is not None:
            self._variance = NotedVariance()
        self.draws: dict[str, Tensor] = {}

    @property
    def bits(self) -> Tensor | None:
        """The variance term of the last losses [n]; None where the network learns no variance."""
        return None if self._variance is None else cast(NotedVariance, self._variance).noted

    def play(self, name: str, batch: Batch) -> Tensor:
        """`name`: losses, fisher_losses or redirect_losses of a stored batch."""
        self.draws = batch.draws
        latents = LabelledBatch(0.18215 * batch.x, batch.y, torch.tensor(batch.rows))
        losses: Tensor = getattr(self, name)(latents, torch.Generator())
        return losses

    def _timesteps(self, n: int, rng: torch.Generator) -> Tensor:
        return self.draws["t"]

    def _noise(self, shape: torch.Size, rng: torch.Generator) -> Tensor:
        return self.draws["noise"]

    def _dropped(self, labels: Tensor, rng: torch.Generator) -> Tensor:
        return torch.where(self.draws["keep"], labels, self.null)


class NotedVariance(LearnedVariance):
    """Notes what it gave."""

    noted: Tensor

    def bits(self, *arguments: Tensor) -> Tensor:
        found = super().bits(*arguments)
        self.noted = found.detach()
        return found


class DitTask(GoldenTask):
    """sfr_core.tasks.dit on the stored draws."""

    def __init__(self, case: Case) -> None:
        learned_variance = case.tensors("init", given=True)["conv_out.weight"].shape[0] == 8
        model = Dit(case.settings["null_class"], learned_variance)
        super().__init__(case, model)
        self.real = StoredDraws(case, model)
        self.terms: dict[tuple[str, int], tuple[Tensor, Tensor]] = {}

    def own_losses(self, batch: Batch) -> Tensor:
        losses = self.real.play("losses", batch)
        if (bits := self.real.bits) is not None:
            self.terms[batch.phase, batch.number] = (losses.detach() - bits, bits)
        return losses

    def fisher_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        return self.note(batch, self.real.play("fisher_losses", batch))

    def redirect_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        return self.note(batch, self.real.play("redirect_losses", batch))


def open_task(case: Case) -> GoldenTask:
    """The task of a case, at its start weights."""
    if case.settings["network"] == "classifier":
        return BaselineTask(case) if case.settings["kind"].startswith("baseline") else ClassifierTask(case)
    return DdpmTask(case) if case.settings["network"] == "ddpm" else DitTask(case)
