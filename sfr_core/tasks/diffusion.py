"""What class-conditional diffusion models share as tasks, whether they work on pixels (ddpm.py) or on latents (dit.py)."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core.catalog.sfron import GAP_PICTURES
from sfr_core.configs import MAX_SEED, Precision
from sfr_core.data.splits import Split
from sfr_core.nets.judge import Judge
from sfr_core.ops.denoising import drop_labels, mean_error, noise_weights, noised
from sfr_core.ops.device import UsedPrecision, pick_precision
from sfr_core.ops.diffusion import STEPS, Predictor
from sfr_core.ops.modes import kept_modes
from sfr_core.ops.sampling import sampler_steps
from sfr_core.ops.walks import counted_on
from sfr_core.tasks.base import Other, Part, RecallWeights
from sfr_core.tasks.class_sets import evenly, free_labels, next_kept
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.drawing import DrawnModel

LABEL_DROPOUT = 0.1
TRIAL_PICTURES = 16
"""Batch on which the two precisions are timed."""
SHORTEST_WAY = 1e-6
"""Mean squared distance between two answers (noise has 1) below which they count as this far apart (`relative_losses`)."""
LARGE, LARGE_LOOKS = 2048, (4, 2, 6)
"""Values of a picture or latent above which a look costs more than a visitor would wait for, and then: looks in a run, pictures of each
class, classes. Stable Diffusion has 16,384, the shipped models half the limit."""
FARTHEST_OF, APART_PICTURES = 32, 24
"""Classes among which the one at the middle is looked for, and pictures of either of two classes that tell how far apart they are."""


class ClassDiffusionTask(DrawnModel):
    """A class-conditional diffusion model, what it is trained on, and a split by class.

    Implements Task, FisherTask, Redirectable, Recallable, Labelled, Replayable, Restartable, ClassEmbedded, Watchable, Preparable and Samplable. A kind of
    models says how timesteps are drawn, what the loss of a noised picture is, how the Fisher asks, and what lies between
    the model's own space and pictures. "Pictures" below are what the model works on: pixels in [-1, 1], or latents.

    Args:
        model, judge, null, shape, device, precision: as for DrawnModel.
        classes: number of classes; their labels are 0 to classes - 1.
        split: forgotten classes (`split.spec.classes`).
        seed: of the pictures where none are given.
        free: draw the pictures of both sets from the model itself (`prepare`).

    Attributes:
        look_classes: classes in a look at most, the forgotten ones first and the others evenly chosen.
        free_forget, free_remain: without data, pictures of the forgotten classes together, and of each other class.
        free_most: pictures of the other classes together at most.
        free_steps: their sampler's.
        free_guidance: of those to forget, in the look of what the model shows. Those to keep are drawn without guidance: that is what
            the model has learned, so that training on them moves nothing, while guided ones sharpen it step by step (docs/adr/0028).
        pseudo_step: a forgotten class is redirected to the class so many further on.
    """

    look_classes = 16
    free_forget = 192
    free_remain = 64
    free_most = 1024
    free_steps = 20
    free_guidance = 2.0
    pseudo_step = 1

    def __init__(
        self,
        model: nn.Module,
        split: Split,
        judge: Judge | None,
        *,
        classes: int,
        null: int,
        shape: tuple[int, int, int],
        device: torch.device,
        precision: UsedPrecision,
        seed: int,
        free: bool,
    ) -> None:
        super().__init__(
            model, judge, forgotten=split.spec.classes, null=null, shape=shape, device=device, precision=precision
        )
        self.split, self.classes = split, classes
        forgotten = split.spec.classes
        self._pseudo = torch.from_numpy(next_kept(forgotten, classes, self.pseudo_step)).to(device)
        self._farthest: Tensor | None = None
        # Beyond every seed that a run can have: no picture of the evaluation or of a visitor starts from this noise.
        self._free_seed = MAX_SEED + 1 + seed
        self._free, self._ready = free, not free
        others = np.setdiff1d(np.arange(classes), forgotten)
        if free:
            labels = self._free_labels(others)
            self._take(torch.zeros((len(labels), 0)), labels)
        if math.prod(shape) > LARGE:
            self.looks, self.look_columns, self.look_classes = LARGE_LOOKS
        order = [*forgotten, *evenly(others, max(1, self.look_classes - len(forgotten)))]
        self._look_labels = np.repeat(np.array(order, np.int64), self.look_columns)

    @abstractmethod
    def _timesteps(self, n: int, rng: torch.Generator) -> Tensor:
        """n timesteps on the CPU."""

    @abstractmethod
    def _errors(
        self, clean: Tensor, x: Tensor, t: Tensor, noise: Tensor, labels: Tensor, weights: Tensor | float = 1.0
    ) -> Tensor:
        """The training loss [n] of `clean` pictures that were noised to x with `noise` at t; `weights` [n] are of the noise's error."""

    @abstractmethod
    def _stored(self, x: Tensor) -> Tensor:
        """How the model's own samples [n, *shape] are held for training."""

    @abstractmethod
    def _read(self, held: Tensor) -> Tensor:
        """The model's input [n, *shape] from what is held."""

    @abstractmethod
    def fisher_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """Losses [n] that the Fisher looks at; no label is dropped."""

    def parameters(self) -> dict[str, nn.Parameter]:
        return dict(self.model.named_parameters())

    def count(self, part: Part) -> int:
        return len(self._rows[part])

    def forget_batches(self, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        return self._batches("forget", size, rng)

    def remain_batches(self, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        return self._batches("remain", size, rng)

    def fisher_batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        return self._batches(part, size, rng)

    def losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """The training loss, [n]; draws timesteps, noise and dropped labels, in this order."""
        x, noise, t = self._noisy(batch.x, rng)
        return self._errors(batch.x, x, t, noise, self._dropped(batch.y, rng))

    def redirect_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """Mean squared distance [n] to what the live model predicts for a class that is kept (SalUn).

        Labels are dropped on both sides. Rows of other classes are compared with their own answer.
        """
        x, _, t = self._noisy(batch.x, rng)
        mine, other = self._dropped(batch.y, rng), self._dropped(self._pseudo[batch.y], rng)
        with torch.no_grad():
            target = self._predict(x, t, other)
        return (self._predict(x, t, mine) - target).square().mean((1, 2, 3))

    def recall_losses(
        self, batch: LabelledBatch, before: nn.Module, rng: torch.Generator, weights: RecallWeights = "equal"
    ) -> Tensor:
        x, _, t = self._noisy(batch.x, rng)
        labels = self._dropped(batch.y, rng)
        with torch.no_grad():
            wanted = self._predictor(before)(x, t, labels)
        counted = noise_weights(self._signal)[t] if weights == "noise" else 1.0
        return self._errors(batch.x, x, t, wanted, labels, counted)

    def relative_losses(
        self, batch: LabelledBatch, before: nn.Module, rng: torch.Generator, other: Other = "next"
    ) -> Tensor:
        """On pictures of the other class: there a sampler comes by that is asked for the forgotten one and goes the new way.

        Labels are not dropped: without one there is no way to go.
        """
        instead = self._instead(before, other)[batch.y]
        x, _, t = self._noisy(self._pictures_of(instead, batch, rng), rng)
        old = self._predictor(before)
        with torch.no_grad():
            wanted = old(x, t, instead)
            way = mean_error(old(x, t, batch.y), wanted)
        return mean_error(self._predict(x, t, batch.y), wanted) / way.clamp(min=SHORTEST_WAY)

    @torch.no_grad()
    def label_gap(self, batch: LabelledBatch, rng: torch.Generator) -> float:
        n = min(len(batch.y), GAP_PICTURES)
        clean, labels = batch.x[:n], batch.y[:n]
        t = (STEPS // 4 + torch.arange(n) * (STEPS // 4) // n).to(self.device)
        noise = self._noise(clean.shape, rng).to(self.device)
        x = noised(clean, noise, self._signal[t])
        with kept_modes(self.model):
            self.model.eval()
            told = mean_error(self._predict(x, t, labels), noise)
            untold = mean_error(self._predict(x, t, torch.full_like(labels, self.null)), noise)
        return float((told.log() - untold.log()).mean())

    def surrogate_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        static = (torch.rand(batch.x.shape, generator=rng) * 2 - 1).to(self.device)
        x, noise, t = self._noisy(static, rng)
        return self._errors(static, x, t, noise, batch.y)

    def replay_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        x, noise, t = self._noisy(batch.x, rng)
        return self._errors(batch.x, x, t, noise, batch.y)

    def class_pictures(self, per_class: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        labels = self._labels.cpu()
        for c in range(self.classes):
            rows = torch.nonzero(labels == c)[:, 0]
            for row in torch.split(rows[torch.randperm(len(rows), generator=rng)[:per_class]], 1):
                if len(row):
                    yield self._batch(row)

    def digest(self, batch: LabelledBatch) -> bytes:
        return batch.y.cpu().numpy().tobytes() + batch.x.cpu().numpy().tobytes()

    def stratified_losses(self, batch: LabelledBatch, strata: int, rng: torch.Generator) -> Tensor:
        edges = torch.arange(strata + 1) * STEPS // strata
        n = len(batch.y)
        width = edges[1:] - edges[:-1]
        t = (edges[:-1] + (torch.rand((n, strata), generator=rng) * width).long()).flatten().to(self.device)
        noise = torch.randn((n * strata, *self.shape), generator=rng).to(self.device)
        clean = batch.x.repeat_interleave(strata, 0)
        x = noised(clean, noise, self._signal[t])
        return self._errors(clean, x, t, noise, batch.y.repeat_interleave(strata)).view(n, strata)

    def new_model(self, rng: torch.Generator) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(0, 2**31 - 1, (1,), generator=rng)))
            build: Callable[[Any], nn.Module] = type(self.model).from_config
            fresh = build(self.model.config)
        return fresh.to(self.device, memory_format=self.layout)  # type: ignore[call-overload, no-any-return]

    def class_tables(self) -> dict[str, nn.Parameter]:
        found = {
            f"{name}.weight": module.weight
            for name, module in self.model.named_modules()
            if isinstance(module, nn.Embedding) and module.num_embeddings > self.null
        }
        return {name: weight for name, weight in found.items() if isinstance(weight, nn.Parameter)}

    def class_numbers(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        forgotten = self.split.spec.classes
        return forgotten, tuple(c for c in range(self.classes) if c not in forgotten)

    def preparation(self) -> int:
        if self._ready:
            return 0
        return sum(sampler_steps(len(rows), self.free_steps, self.shape) for rows in self._rows.values())

    def prepare(self) -> Generator[int, None, None]:
        """Draws the pictures of a run without data from the model as it is now."""
        if self._ready:
            return
        labels, done = self._labels.cpu().numpy(), 0
        drawn: dict[Part, Tensor] = {}
        asks: tuple[tuple[Part, float], ...] = (("forget", self.free_guidance), ("remain", 1.0))
        for part, guidance in asks:
            asked = labels[self._rows[part]]
            walk = self._draw(self.model, asked, self._free_seed, self.free_steps, guidance, self._stored)
            drawn[part] = yield from counted_on(walk, done)
            done += sampler_steps(len(asked), self.free_steps, self.shape)
        held = drawn["remain"].new_empty((len(labels), *drawn["remain"].shape[1:]))
        for part, pictures in drawn.items():
            held[self._rows[part]] = pictures
        self._take(held, labels)
        self._ready = True

    def pick_precision(self, asked: Precision, batch_size: int) -> UsedPrecision:
        x = torch.zeros((min(batch_size, TRIAL_PICTURES), *self.shape), device=self.device)
        t = torch.zeros(len(x), dtype=torch.long, device=self.device)

        def loss(model: nn.Module, x: Tensor) -> Tensor:
            out: Tensor = model(x.contiguous(memory_format=self.layout), t, t).sample
            return out.float().square().mean()

        return pick_precision(asked, self.model, x, loss)

    def _noise(self, shape: torch.Size, rng: torch.Generator) -> Tensor:
        return torch.randn(shape, generator=rng)

    def _noisy(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Noised pictures, their noise and their timesteps."""
        t = self._timesteps(len(x), rng).to(self.device)
        noise = self._noise(x.shape, rng).to(self.device)
        return noised(x, noise, self._signal[t]), noise, t

    def _dropped(self, labels: Tensor, rng: torch.Generator) -> Tensor:
        return drop_labels(labels, self.null, LABEL_DROPOUT, rng)

    def _free_labels(self, others: NDArray[np.int64]) -> NDArray[np.int64]:
        """Labels of the pictures that are drawn before a run without data."""
        return free_labels(
            self.split.spec.classes, others, forget=self.free_forget, remain=self.free_remain, most=self.free_most
        )

    def _instead(self, before: nn.Module, other: Other) -> Tensor:
        """The class to draw instead of each one."""
        if other == "next":
            return self._pseudo
        if self._farthest is None:
            self._farthest = self._pseudo.clone()
            for c in self.split.spec.classes:
                self._farthest[c] = self._farthest_from(before, c)
        return self._farthest

    @torch.no_grad()
    def _farthest_from(self, before: nn.Module, forgotten: int) -> int:
        """The kept class farthest from a forgotten one.

        The distance of two classes is the mean squared difference of what the model before says of both, on pictures of either.
        Pictures on the way to a near class are taken for the forgotten one (docs/adr/0035).
        """
        rng = torch.Generator().manual_seed(0)  # the same choice of pictures and noise whatever the run's seed
        candidates = evenly(np.setdiff1d(np.arange(self.classes), self.split.spec.classes), FARTHEST_OF)
        predict = self._predictor(before)
        with kept_modes(before):
            before.eval()
            away = [self._apart(predict, forgotten, int(c), rng) for c in candidates]
        return int(candidates[np.argmax(away)])

    def _apart(self, predict: Predictor, a: int, b: int, rng: torch.Generator) -> float:
        rows = [torch.nonzero(self._labels.cpu() == c)[:, 0] for c in (a, b)]
        some = torch.cat([mine[torch.randperm(len(mine), generator=rng)[:APART_PICTURES]] for mine in rows])
        x, _, t = self._noisy(self._read(self._held[some.to(self.device)]), rng)
        first, second = (predict(x, t, torch.full((len(some),), c, device=self.device)) for c in (a, b))
        return float((first - second).square().mean())

    def _pictures_of(self, labels: Tensor, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """A random held picture of each label [n]; that of `batch` where there is none of it."""
        held, found = self._labels.cpu(), batch.x.clone()
        for label in torch.unique(labels):
            rows = torch.nonzero(held == label.cpu())[:, 0]
            mine = torch.nonzero(labels == label)[:, 0]
            if len(rows):
                at = rows[torch.randint(len(rows), (len(mine),), generator=rng)].to(self.device)
                found[mine] = self._read(self._held[at])
        return found

    def _take(self, held: Tensor, labels: NDArray[np.int64]) -> None:
        self._held = held.to(self.device)
        self._labels = torch.from_numpy(labels).to(self.device)
        mine = np.isin(labels, self.split.spec.classes)
        self._rows: dict[Part, NDArray[np.int64]] = {"forget": np.flatnonzero(mine), "remain": np.flatnonzero(~mine)}

    def _batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        rows = torch.from_numpy(self._rows[part])
        for at in torch.split(rows[torch.randperm(len(rows), generator=rng)], size):
            yield self._batch(at)

    def _batch(self, rows: Tensor) -> LabelledBatch:
        at = rows.to(self.device)
        return LabelledBatch(self._read(self._held[at]), self._labels[at], at)
