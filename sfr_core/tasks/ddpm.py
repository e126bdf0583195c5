"""Forgetting classes of a class-conditional pixel diffusion model (reference: SFR-on as coded, DDPM)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.configs import MAX_SEED, DataSource, Precision
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.events import Sheet
from sfr_core.nets.judge import NONE, Judge, Verdict, pixels_of
from sfr_core.ops.denoising import antithetic_timesteps, drop_labels, noised, paper_guidance, squared_error
from sfr_core.ops.device import UsedPrecision, autocast, pick_precision
from sfr_core.ops.diffusion import STEPS, Predictor, alphas_cumprod, guided
from sfr_core.ops.modes import kept_modes
from sfr_core.ops.sampling import sample_pictures, sampler_steps, sheet_png
from sfr_core.results import LiveRecord
from sfr_core.tasks.base import Look, Part
from sfr_core.tasks.classifier import LabelledBatch

LABEL_DROPOUT = 0.1
FISHER_SCALE = 2.0
"""cond_scale of the guided prediction in the Fisher, in the paper's convention: 3 e(class) - 2 e(null)."""
LOOKS = 7
LOOK_COLUMNS = 4
LOOK_STEPS = 8
LOOK_GUIDANCE = 2.0
"""A look draws 4 pictures of each class: 640 forward passes for ten classes. The 8 looks of a run (one is before it) took
27 of 200 seconds of CPU time of the default run with its evaluation."""
LOOK_SEED = 7
TRIAL_PICTURES = 16
"""Batch on which the two precisions are timed."""
FREE_FORGET = 192
FREE_REMAIN = 64
FREE_STEPS = 10
FREE_GUIDANCE = 2.0
"""Without data: pictures of the forgotten classes together, and of each other class, drawn before the run."""


class DiffusionTask:
    """A diffusion model, pictures and a split by class.

    Implements Task, FisherTask, Redirectable, Replayable, Restartable, Watchable, Preparable and Samplable. The loss is
    the squared error of the predicted noise summed over pixels, on antithetic timesteps, with a tenth of the labels
    dropped in the forget and in the remain loss alike.

    Args:
        model: UNet2DModel or alike, (x, t, labels) -> object with `.sample`; label number `classes` means "no class".
            Moved to `device` and channels_last.
        dataset: names of the classes, and the pictures to forget and to keep.
        split: forgotten classes (`split.spec.classes`) and the rows of both sets.
        judge: looks at the samples.
        device, precision: where and how forward passes run.
        seed: of the frozen flips, and of the pictures where none are given.
        data: "data-free" draws both sets from the model itself (`prepare`) and reads no picture of the dataset.
        fisher_scale: w in (1 + w) e(class) - w e(null), the prediction that the Fisher looks at.
    """

    looks = LOOKS

    def __init__(
        self,
        model: nn.Module,
        dataset: Dataset,
        split: Split,
        judge: Judge,
        *,
        device: torch.device,
        precision: UsedPrecision = "fp32",
        seed: int = 0,
        data: DataSource = "shipped",
        fisher_scale: float = FISHER_SCALE,
    ) -> None:
        self.model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.split = split
        self.device = device
        self.precision = precision
        self.judge = judge
        self.null = len(dataset.class_names)
        height, width, channels = dataset.train.images.shape[1:]
        self.shape = (channels, height, width)
        self._guidance = paper_guidance(fisher_scale)
        self._signal = alphas_cumprod().to(device)
        self._forgotten = torch.tensor(split.spec.classes, device=device)
        self._pseudo = torch.from_numpy(_next_kept(split.spec.classes, self.null)).to(device)
        # Beyond every seed that a run can have: no picture of the evaluation or of a visitor starts from this noise.
        self._free_seed = MAX_SEED + 1 + seed
        self._free = data == "data-free"
        if self._free:
            labels = _free_labels(split.spec.classes, self.null)
            self._take(np.zeros((len(labels), height, width, channels), np.uint8), labels)
        else:
            self._take(_frozen_flips(dataset, seed), dataset.train.labels)
        self._ready = not self._free
        order = [*split.spec.classes, *(c for c in range(self.null) if c not in split.spec.classes)]
        self._look_labels = np.repeat(np.array(order, np.int64), LOOK_COLUMNS)

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
        """Summed squared error of the noise, [n]; draws timesteps, noise and dropped labels, in this order."""
        x, noise, t = self._noisy(batch.x, rng)
        return squared_error(self._predict(x, t, self._dropped(batch.y, rng)), noise)

    def fisher_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """The same for the guided prediction, which asks for every label and for none; no label is dropped."""
        x, noise, t = self._noisy(batch.x, rng)
        return squared_error(guided(self._predict, x, t, batch.y, self.null, self._guidance), noise)

    def redirect_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """Mean squared distance [n] to what the live model predicts for the next class that is kept (SalUn).

        Labels are dropped on both sides. Rows of other classes are compared with their own answer.
        """
        x, _, t = self._noisy(batch.x, rng)
        mine, other = self._dropped(batch.y, rng), self._dropped(self._pseudo[batch.y], rng)
        with torch.no_grad():
            target = self._predict(x, t, other)
        return (self._predict(x, t, mine) - target).square().mean((1, 2, 3))

    def surrogate_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        static = (torch.rand(batch.x.shape, generator=rng) * 2 - 1).to(self.device)
        x, noise, t = self._noisy(static, rng)
        return squared_error(self._predict(x, t, batch.y), noise)

    def replay_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        x, noise, t = self._noisy(batch.x, rng)
        return squared_error(self._predict(x, t, batch.y), noise)

    def class_pictures(self, per_class: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        labels = self._labels.cpu()
        for c in range(self.null):
            rows = torch.nonzero(labels == c)[:, 0]
            for row in torch.split(rows[torch.randperm(len(rows), generator=rng)[:per_class]], 1):
                yield self._batch(row)

    def digest(self, batch: LabelledBatch) -> bytes:
        return batch.y.cpu().numpy().tobytes() + batch.x.cpu().numpy().tobytes()

    def stratified_losses(self, batch: LabelledBatch, strata: int, rng: torch.Generator) -> Tensor:
        edges = torch.arange(strata + 1) * STEPS // strata
        n = len(batch.y)
        width = edges[1:] - edges[:-1]
        t = (edges[:-1] + (torch.rand((n, strata), generator=rng) * width).long()).flatten().to(self.device)
        noise = torch.randn((n * strata, *self.shape), generator=rng).to(self.device)
        x = noised(batch.x.repeat_interleave(strata, 0), noise, self._signal[t])
        predicted = self._predict(x, t, batch.y.repeat_interleave(strata))
        return squared_error(predicted, noise).view(n, strata)

    def new_model(self, rng: torch.Generator) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(0, 2**31 - 1, (1,), generator=rng)))
            build: Callable[[Any], nn.Module] = type(self.model).from_config
            fresh = build(self.model.config)
        return fresh.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def preparation(self) -> int:
        return 0 if self._ready else sampler_steps(len(self._labels), FREE_STEPS)

    def prepare(self) -> Generator[int, None, None]:
        """Draws the pictures of a run without data from the model as it is now."""
        if self._ready:
            return
        labels = self._labels.cpu().numpy()
        images = yield from self.sample(labels, seed=self._free_seed, steps=FREE_STEPS, guidance=FREE_GUIDANCE)
        self._take(images, labels)
        self._ready = True

    def sample(
        self,
        labels: NDArray[np.int64],
        *,
        seed: int,
        steps: int,
        guidance: float,
        model: nn.Module | None = None,
    ) -> Generator[int, None, NDArray[np.uint8]]:
        asked = model or self.model
        with kept_modes(asked):
            asked.eval()
            return (
                yield from sample_pictures(
                    self._predictor(asked),
                    labels,
                    self.shape,
                    null=self.null,
                    seed=seed,
                    steps=steps,
                    guidance=guidance,
                    device=self.device,
                )
            )

    def look(self, cancel: CancelToken) -> Look | None:
        """Four pictures of each class, the forgotten ones first, always from the same noise."""
        labels = self._look_labels
        walk = self.sample(labels, seed=LOOK_SEED, steps=LOOK_STEPS, guidance=LOOK_GUIDANCE)
        try:
            while not cancel.cancelled:
                next(walk)
            walk.close()
            return None
        except StopIteration as end:
            images: NDArray[np.uint8] = end.value
        accepted = accepted_classes(self.judge(pixels_of(images)))
        right, mine = accepted == labels, np.isin(labels, self.split.spec.classes)
        record = LiveRecord(
            forget=100.0 * float(right[mine].mean()),
            remain=100.0 * float(right[~mine].mean()),
            n_forget=int(mine.sum()),
            n_remain=int((~mine).sum()),
        )
        sheet = Sheet(
            png=sheet_png(images, LOOK_COLUMNS),
            side=images.shape[1],
            columns=LOOK_COLUMNS,
            labels=tuple(labels.tolist()),
            accepted=tuple(accepted.tolist()),
            steps=LOOK_STEPS,
            guidance=LOOK_GUIDANCE,
        )
        return Look(record=record, sheet=sheet)

    def pick_precision(self, asked: Precision, batch_size: int) -> UsedPrecision:
        x = torch.zeros((min(batch_size, TRIAL_PICTURES), *self.shape), device=self.device)
        t = torch.zeros(len(x), dtype=torch.long, device=self.device)

        def loss(model: nn.Module, x: Tensor) -> Tensor:
            out: Tensor = model(x.contiguous(memory_format=torch.channels_last), t, t).sample
            return out.float().square().mean()

        return pick_precision(asked, self.model, x, loss)

    def _predict(self, x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        return self._predictor(self.model)(x, t, labels)

    def _predictor(self, model: nn.Module) -> Predictor:
        def predict(x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
            with autocast(self.device, self.precision):
                out: Tensor = model(x.contiguous(memory_format=torch.channels_last), t, labels).sample
            return out.float()

        return predict

    def _noisy(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Noised pictures, their noise and their timesteps."""
        t = antithetic_timesteps(len(x), rng).to(self.device)
        noise = torch.randn(x.shape, generator=rng).to(self.device)
        return noised(x, noise, self._signal[t]), noise, t

    def _dropped(self, labels: Tensor, rng: torch.Generator) -> Tensor:
        return drop_labels(labels, self.null, LABEL_DROPOUT, rng)

    def _take(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> None:
        self._images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(self.device)
        self._labels = torch.from_numpy(labels).to(self.device)
        mine = np.isin(labels, self.split.spec.classes)
        self._rows: dict[Part, NDArray[np.int64]] = {"forget": np.flatnonzero(mine), "remain": np.flatnonzero(~mine)}

    def _batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        rows = torch.from_numpy(self._rows[part])
        for at in torch.split(rows[torch.randperm(len(rows), generator=rng)], size):
            yield self._batch(at)

    def _batch(self, rows: Tensor) -> LabelledBatch:
        at = rows.to(self.device)
        return LabelledBatch(self._images[at].float().div_(127.5).sub_(1), self._labels[at], at)


def accepted_classes(verdict: Verdict) -> NDArray[np.int64]:
    """Class that the judge accepts, -1 where it accepts none, [n]."""
    return np.where(verdict.labels == NONE, -1, verdict.labels).astype(np.int64)


def _next_kept(forgotten: tuple[int, ...], classes: int) -> NDArray[np.int64]:
    """For every class the one to draw instead: a forgotten one's next that is kept, round the end; others stay."""
    out = np.arange(classes, dtype=np.int64)
    for c in forgotten:
        out[c] = next(k % classes for k in range(c + 1, c + classes) if k % classes not in forgotten)
    return out


def _free_labels(forgotten: tuple[int, ...], classes: int) -> NDArray[np.int64]:
    each = max(1, FREE_FORGET // len(forgotten))
    return np.concatenate([np.full(each if c in forgotten else FREE_REMAIN, c, np.int64) for c in range(classes)])


def _frozen_flips(dataset: Dataset, seed: int) -> NDArray[np.uint8]:
    """The training pictures; where a mirrored one is natural, half of them flipped, the same ones in the whole run."""
    images = dataset.train.images
    if not dataset.mirror:
        return images
    flipped = np.random.default_rng(seed).random(len(images)) < 0.5
    out = images.copy()
    out[flipped] = out[flipped, :, ::-1]
    return out
