"""Forgetting in an image classifier: cross-entropy on pictures held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sfr_core.cancel import CancelToken
from sfr_core.configs import Precision
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.data.transforms import mirror, shift
from sfr_core.errors import LOWER, Diverged
from sfr_core.events import Prediction
from sfr_core.ops.device import Loss, UsedPrecision, autocast, first_class, pick_precision
from sfr_core.ops.modes import kept_modes, logits_of
from sfr_core.ops.weighting import Unseen
from sfr_core.results import LiveRecord
from sfr_core.tasks.base import Opening, Part, Previewed, RunTask, Source

PREVIEWS = 20
"""Previews in a run; each costs about 500 forward passes."""
LIVE_ROWS = 250
"""Pictures of each set that a preview asks about. With 500 all previews together cost as much as the last evaluation."""
PREVIEW_PICTURES = 12
EVAL_BATCH = 500
"""Pictures that are looked at side by side, of at most EVAL_PIXELS together: what a network holds meanwhile grows with both."""
EVAL_PIXELS = EVAL_BATCH * 64 * 64


@dataclass(frozen=True, slots=True)
class LabelledBatch:
    """x: float32 [n, c, h, w], augmented and normalised; y: int64 [n]; rows: int64 [n] in the training set."""

    x: Tensor
    y: Tensor
    rows: Tensor


class ClassifierTask(RunTask):
    """A classifier, its pictures and a split; for methods that need logits, teachers, or passes over both sets together.

    Args:
        model: maps [n, c, h, w] to logits [n, classes]; moved to `device` and channels_last.
        build: makes the same architecture with fresh weights (for teachers and retraining).
        dataset: training and test pictures with the pixel statistics that the model expects.
        split: forget and remain rows of the training set.
        device, precision: where and how forward passes run.
        seed: of the wrong labels that random-label methods use.
    """

    previews = PREVIEWS
    still: tuple[nn.Module, ...] = ()

    def __init__(
        self,
        model: nn.Module,
        build: Callable[[], nn.Module],
        dataset: Dataset,
        split: Split,
        *,
        device: torch.device,
        precision: UsedPrecision = "fp32",
        seed: int = 0,
    ) -> None:
        self.model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.split = split
        self.device = device
        self.precision = precision
        self._build = build
        self._mirror = dataset.mirror
        self._images = {"train": _pixels(dataset.train.images, device), "test": _pixels(dataset.test.images, device)}
        self._labels = {
            "train": torch.from_numpy(dataset.train.labels).to(device),
            "test": torch.from_numpy(dataset.test.labels).to(device),
        }
        self._mean = torch.tensor(dataset.mean, device=device).view(1, -1, 1, 1)
        self._std = torch.tensor(dataset.std, device=device).view(1, -1, 1, 1)
        self._in_forget = torch.zeros(len(dataset.train), dtype=torch.bool, device=device)
        self._in_forget[torch.from_numpy(split.forget)] = True
        self._classes = len(dataset.class_names)
        self._wrong = _wrong_labels(dataset.train.labels, len(dataset.class_names), seed).to(device)
        self._live = {part: _spread(rows, LIVE_ROWS) for part, rows in self._rows().items()}
        self._previewed = _preview_rows(split, dataset)

    def parameters(self) -> dict[str, nn.Parameter]:
        return dict(self.model.named_parameters())

    def count(self, part: Part) -> int:
        return len(self._rows()[part])

    def batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        return self._batches(self._rows()[part], size, rng)

    def fisher_batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        """As published, in eval mode: a last batch of one stays alone."""
        return self._batches(self._rows()[part], size, rng, lone=True)

    def union_batches(self, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        """One shuffled pass over forget and remain rows together."""
        return self._batches(np.concatenate([self.split.forget, self.split.remain]), size, rng)

    def losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """Cross-entropy of each sample in nats, [n]."""
        return F.cross_entropy(self.logits(batch), batch.y, reduction="none")

    def redirect_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """Cross-entropy [n] with the forget rows' labels replaced, each by one wrong label that stays the same all run."""
        target = torch.where(self._in_forget[batch.rows], self._wrong[batch.rows], batch.y)
        return F.cross_entropy(self.logits(batch), target, reduction="none")

    def shifted(self, batch: LabelledBatch, reach: int, rng: torch.Generator) -> LabelledBatch:
        """The batch with every picture moved by up to `reach` pixels each way, as in the recipe of the shipped classifier; black moves in."""
        black = -self._mean / self._std
        return LabelledBatch(shift(batch.x, reach, black, rng), batch.y, batch.rows)

    def pushed(self, batch: LabelledBatch, direction: Tensor, reach: float) -> LabelledBatch:
        """The batch with every pixel moved by `reach` (black to white is 1) along the sign of `direction`, as a picture again.

        As a picture: within black and white, on the 256 levels of a byte.
        """
        moved = (batch.x * self._std + self._mean + reach * direction.sign()).clamp_(0, 1)
        x = (moved.mul_(255).round_().div_(255) - self._mean) / self._std
        return LabelledBatch(x, batch.y, batch.rows)

    def is_forget(self, batch: LabelledBatch) -> Tensor:
        """True where a row of the batch belongs to the forget set, shape [n]."""
        return self._in_forget[batch.rows]

    def logits(self, batch: LabelledBatch, model: nn.Module | None = None) -> Tensor:
        """Logits [n, classes] of `model` (default: the live one) in its present mode."""
        with autocast(self.device, self.precision):
            out = logits_of(self.model if model is None else model, batch.x)
        return out.float()

    @torch.no_grad()
    def unseen(self, most: int, tau: float) -> Unseen:
        """What the model says now of test pictures, at most `most` of a class, of which it saw none.

        A class that keeps no training row is compared with what its name gets on pictures of the kept classes: a model
        without it would answer so. FaLW has no such case.
        """
        labels = self._labels["test"].cpu().numpy()
        classes = self._classes
        rows = np.concatenate([_spread(np.flatnonzero(labels == c), most) for c in range(classes)])
        at = torch.from_numpy(rows).to(self.device)
        p, truth = self._logits_at("test", at).softmax(1), self._labels["test"][at]
        kept = torch.bincount(self._labels["train"][~self._in_forget], minlength=classes) > 0
        forgotten = torch.bincount(self._labels["train"][self._in_forget], minlength=classes)
        own = F.one_hot(truth, classes).bool()
        counts = torch.where(kept, own, kept[truth][:, None]).float()
        n = counts.sum(0).clamp_min(1.0)
        mean = (p * counts).sum(0) / n
        spread = (((p - mean) ** 2 * counts).sum(0) / n).sqrt()
        average = forgotten.sum() / (forgotten > 0).sum()
        return Unseen(mean=mean, spread=spread, balance=(average / forgotten.clamp_min(1)) ** tau)

    def new_model(self, rng: torch.Generator) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(0, 2**31 - 1, (1,), generator=rng)))
            fresh = self._build()
        return fresh.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def preview(self, cancel: CancelToken) -> Previewed | None:
        return None if cancel.cancelled else Previewed(record=self.evaluate_live(), predictions=self.predictions())

    def use_precision(self, wanted: Precision, batch_size: int) -> UsedPrecision:
        self.precision = pick_precision(wanted, self.model, *self.trial(batch_size))
        return self.precision

    def trial(self, batch_size: int) -> tuple[Tensor, Loss]:
        batch = next(self.batches("remain", min(batch_size, len(self._images["train"])), torch.Generator()))
        return batch.x, first_class

    @torch.no_grad()
    def predict(
        self, source: Source, model: nn.Module | None = None, cancel: CancelToken | None = None
    ) -> NDArray[np.float32]:
        rows = torch.arange(len(self._images[source]), device=self.device)
        return self._logits_at(source, rows, model, cancel).cpu().numpy()

    @torch.no_grad()
    def evaluate_live(self, model: nn.Module | None = None) -> LiveRecord:
        found: dict[str, Any] = {}
        for part, rows in self._live.items():
            at = torch.from_numpy(rows).to(self.device)
            hits = self._logits_at("train", at, model).argmax(1) == self._labels["train"][at]
            found |= {part: 100.0 * float(hits.float().mean()), f"n_{part}": len(rows)}
        return LiveRecord(**found)

    @torch.no_grad()
    def predictions(self) -> tuple[Prediction, ...]:
        return tuple(self._prediction(source, row) for source, row in self._previewed)

    def _prediction(self, source: Source, row: int) -> Prediction:
        chances = self._logits_at(source, torch.tensor([row], device=self.device)).softmax(1)[0]
        best, label = int(chances.argmax()), int(self._labels[source][row])
        return Prediction(source=source, row=row, label=label, predicted=best, confidence=float(chances[best]))

    def _rows(self) -> dict[Part, NDArray[np.int64]]:
        return {"forget": self.split.forget, "remain": self.split.remain}

    def _batches(
        self, rows: NDArray[np.int64], size: int, rng: torch.Generator, *, lone: bool = False
    ) -> Iterator[LabelledBatch]:
        order = torch.from_numpy(rows)[torch.randperm(len(rows), generator=rng)].to(self.device)
        for at in torch.split(order, size) if lone else _split(order, size):
            x = self._input("train", at)
            if self._mirror:
                x = mirror(x, rng)
            yield LabelledBatch(x, self._labels["train"][at], at)

    def _input(self, source: Source, at: Tensor) -> Tensor:
        x = self._images[source][at].float().div_(255)
        return x.sub_(self._mean).div_(self._std).contiguous(memory_format=torch.channels_last)

    def _logits_at(
        self, source: Source, rows: Tensor, model: nn.Module | None = None, cancel: CancelToken | None = None
    ) -> Tensor:
        network = self.model if model is None else model
        parts = []
        with kept_modes(network), autocast(self.device, self.precision):
            network.eval()
            for at in torch.split(rows, eval_batch(*self._images[source].shape[-2:])):
                if cancel is not None:
                    cancel.check()
                parts.append(network(self._input(source, at)).float())
        found = torch.cat(parts)
        if not torch.isfinite(found).all():
            raise Diverged("The network's answers are no longer numbers.", hint=LOWER)
        return found


def open_classifier(given: Opening) -> ClassifierTask:
    """The task of a run."""
    return ClassifierTask(
        given.load(), given.build, given.dataset, given.split, device=given.device, seed=given.config.seed
    )


def eval_batch(height: int, width: int) -> int:
    """Pictures of this size in pixels that are looked at side by side, at least 1."""
    return max(1, min(EVAL_BATCH, EVAL_PIXELS // (height * width)))


def training_batches(rows: int, size: int) -> int:
    """Batches in one pass over a set; the last one may be short, but a single picture joins the batch before it."""
    return -(-rows // size) - (rows > size > 1 and rows % size == 1)


def _split(rows: Tensor, size: int) -> list[Tensor]:
    """The rows in batches of `size`, as many as `training_batches` says."""
    parts = list(torch.split(rows, size))
    return parts if len(parts) == training_batches(len(rows), size) else [*parts[:-2], torch.cat(parts[-2:])]


def _pixels(images: NDArray[np.uint8], device: torch.device) -> Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous().to(device)


def _wrong_labels(labels: NDArray[np.int64], classes: int, seed: int) -> Tensor:
    """One label per row, uniform among the wrong ones."""
    jump = np.random.default_rng(seed).integers(1, classes, len(labels))
    return torch.from_numpy((labels + jump) % classes)


def _spread(rows: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """At most n of the rows, evenly spread."""
    if len(rows) <= n:
        return rows
    return rows[np.linspace(0, len(rows) - 1, n).round().astype(np.int64)]


def _preview_rows(split: Split, dataset: Dataset) -> list[tuple[Source, int]]:
    """Fixed pictures: of forgotten classes and one of each other class (test set), or forgotten training pictures."""
    labels = dataset.test.labels
    if not split.spec.classes:
        return [("train", int(row)) for row in _spread(split.forget, PREVIEW_PICTURES)]
    forgotten = split.spec.classes[: PREVIEW_PICTURES - 3]
    others = [c for c in np.unique(labels).tolist() if c not in split.spec.classes]
    others = others[: min(PREVIEW_PICTURES - 3, PREVIEW_PICTURES - len(forgotten))]
    each = max(1, (PREVIEW_PICTURES - len(others)) // len(forgotten))
    rows = [np.flatnonzero(labels == c)[:each] for c in forgotten]
    rows += [np.flatnonzero(labels == c)[:1] for c in others]
    return [("test", int(row)) for row in np.concatenate(rows)]
