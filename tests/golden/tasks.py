"""The golden cases as tasks (sfr_core/tasks/base.py): stored batches in the stored order, stored draws, no generator."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.ops.denoising import noised, paper_guidance, squared_error
from sfr_core.ops.diffusion import alphas_cumprod, guided
from sfr_core.tasks.base import Part
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


class DitTask(GoldenTask):
    """Mean squared noise error on scaled latents, with a variance term where the network has the channels for it."""

    def __init__(self, case: Case) -> None:
        self.learned_variance = case.tensors("init", given=True)["conv_out.weight"].shape[0] == 8
        super().__init__(case, Dit(case.settings["null_class"], self.learned_variance))
        self.terms: dict[tuple[str, int], tuple[Tensor, Tensor]] = {}
        betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
        abar = (1.0 - betas).cumprod(0)
        before = torch.cat([torch.ones(1, dtype=torch.float64), abar[:-1]])
        posterior = betas * (1.0 - before) / (1.0 - abar)
        posterior[0] = posterior[1]
        self.table = {
            "x0": abar.sqrt(),
            "noise": (1.0 - abar).sqrt(),
            "inverse": abar.rsqrt(),
            "inverse_noise": (1.0 / abar - 1.0).sqrt(),
            "mean_x0": betas * before.sqrt() / (1.0 - abar),
            "mean_xt": (1.0 - before) * (1.0 - betas).sqrt() / (1.0 - abar),
            "log_beta": betas.log(),
            "log_posterior": posterior.log(),
        }

    def at(self, name: str, t: Tensor) -> Tensor:
        return self.table[name][t].float()[:, None, None, None]

    def own_losses(self, batch: Batch) -> Tensor:
        return self._losses(batch, batch.y)

    def redirect_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        pseudo = torch.full_like(batch.y, self.case.settings["pseudo_class"])
        return self.note(batch, self._losses(batch, pseudo))

    def _losses(self, batch: Batch, y: Tensor) -> Tensor:
        t, noise, x0 = batch.draws["t"], batch.draws["noise"], 0.18215 * batch.x
        xt = self.at("x0", t) * x0 + self.at("noise", t) * noise
        out = self.model(xt, t, y, batch.draws.get("keep"))
        mse = (out[:, :4] - noise).square().mean((1, 2, 3))
        if not self.learned_variance:
            return mse
        vlb = self._variance_term(x0, xt, t, out[:, :4].detach(), out[:, 4:])
        self.terms[batch.phase, batch.number] = (mse.detach(), vlb.detach())
        return mse + vlb

    def _variance_term(self, x0: Tensor, xt: Tensor, t: Tensor, predicted: Tensor, values: Tensor) -> Tensor:
        """KL(true posterior || model posterior) per row, bits, mean over elements."""
        guess = self.at("inverse", t) * xt - self.at("inverse_noise", t) * predicted
        true_mean = self.at("mean_x0", t) * x0 + self.at("mean_xt", t) * xt
        mean = self.at("mean_x0", t) * guess + self.at("mean_xt", t) * xt
        true_log = self.at("log_posterior", t)
        share = (values + 1.0) / 2.0
        log = share * self.at("log_beta", t) + (1.0 - share) * true_log
        nats = 0.5 * (-1.0 + log - true_log + (true_log - log).exp() + (true_mean - mean).square() * (-log).exp())
        return nats.mean((1, 2, 3)) / math.log(2.0)


def open_task(case: Case) -> GoldenTask:
    """The task of a case, at its start weights."""
    if case.settings["network"] == "classifier":
        return BaselineTask(case) if case.settings["kind"].startswith("baseline") else ClassifierTask(case)
    return DdpmTask(case) if case.settings["network"] == "ddpm" else DitTask(case)
