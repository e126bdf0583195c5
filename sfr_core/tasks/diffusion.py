"""The task of every generator that undoes noise: a denoiser, the pictures that it is trained on, and a judge of its samples."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog.sfron_redirected import GAP_PICTURES
from sfr_core.configs import Precision
from sfr_core.data.class_sets import PreviewSettings, evenly
from sfr_core.data.reduced import reduced
from sfr_core.events import Sheet
from sfr_core.nets.judge import Judge, PromptJudge, pixels_of
from sfr_core.ops.denoising import mean_error
from sfr_core.ops.device import Loss, UsedPrecision
from sfr_core.ops.diffusion import Predictor
from sfr_core.ops.modes import kept_modes
from sfr_core.ops.sampling import sheet_png, tiles
from sfr_core.results import LiveRecord
from sfr_core.tasks.base import Other, Part, Previewed, RecallWeights, RunTask
from sfr_core.tasks.classifier import LabelledBatch
from sfr_core.tasks.denoiser import TRIAL_PICTURES, Denoiser
from sfr_core.tasks.pictures import PictureStore, Space

Redirection = Literal["prediction", "label"]
PREVIEW_SEED = 7
SHORTEST_WAY = 1e-6
"""Mean squared distance between two answers (noise has 1) below which they count as this far apart (`relative_losses`)."""
FARTHEST_OF, APART_PICTURES = 32, 24
"""Classes among which the farthest is looked for, and pictures of either of two classes that tell how far apart they are."""


class DiffusionTask(RunTask):
    """A generator, its pictures, and labels of which some are to be forgotten; a label is a class or the number of a prompt.

    Args:
        denoiser: the network, its schedule and its training loss. Kinds of models differ in it, in `space` and in `store`.
        space: what the network works on.
        store: pictures with labels in two sets.
        judge: looks at samples; None where there is none, then a preview shows them and says nothing.
        forgotten: labels whose samples a preview counts apart.
        classes: number of labels, from 0 on.
        instead: the label to draw instead of each one, int64 [labels]; those that are kept stand for themselves.
        farthest_of: labels of which one may be taken instead, where the way is to be the farthest; without them it is `instead`.
        preview: how samples are previewed. preview_labels: which, int64 [n].
        fisher_guidance: w of the guided prediction (`ops.diffusion.guided`) that the Fisher looks at; 1 is the training loss.
        redirection: what a redirected row learns: the live model's "prediction" for another label (SalUn), or the true target
            under another "label" (the published DiT code, which so teaches the other class the forgotten pictures).
        weights: the part of the network that is trained; default all of it.
        still: further networks that a run uses and does not change.
    """

    def __init__(
        self,
        denoiser: Denoiser,
        space: Space,
        store: PictureStore,
        judge: Judge | PromptJudge | None,
        *,
        forgotten: tuple[int, ...],
        classes: int,
        instead: NDArray[np.int64],
        farthest_of: NDArray[np.int64],
        preview: PreviewSettings,
        preview_labels: NDArray[np.int64],
        fisher_guidance: float = 1.0,
        redirection: Redirection = "prediction",
        weights: dict[str, nn.Parameter] | None = None,
        still: tuple[nn.Module, ...] = (),
    ) -> None:
        self.denoiser, self.space, self.store, self.judge = denoiser, space, store, judge
        self.model, self.shape, self.null, self.device = denoiser.model, denoiser.shape, denoiser.null, denoiser.device
        self.forgotten, self.classes, self.precision = forgotten, classes, denoiser.precision
        self.instead = torch.from_numpy(instead).to(self.device)
        self.preview_settings, self.preview_labels, self.previews = preview, preview_labels, preview.times
        self.still = still
        self._farthest_of, self._farthest = evenly(farthest_of, FARTHEST_OF), dict[int, int]()
        self._fisher_guidance, self._redirection = fisher_guidance, redirection
        self.weights = weights

    def parameters(self) -> dict[str, nn.Parameter]:
        return dict(self.model.named_parameters()) if self.weights is None else self.weights

    def count(self, part: Part) -> int:
        return len(self.store.rows[part])

    def batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        return self.store.batches(part, size, rng)

    def losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """The training loss, [n]; draws times, noise and dropped labels, in this order."""
        return self._training_losses(batch, batch.y, rng)

    def fisher_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """The training loss of the guided prediction, which asks for every label and for none; no label is dropped."""
        if self._fisher_guidance == 1.0:
            return self.replay_losses(batch, rng)
        noisy = self.denoiser.noisy(batch.x, rng)
        predicted = self.denoiser.predict_guided(noisy.x, noisy.t, batch.y, self._fisher_guidance)
        return self.denoiser.error(predicted, noisy.target)

    def redirect_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """Mean squared distance [n] to what the live model predicts for a label that is kept (SalUn).

        Labels are dropped on both sides. Rows of other labels are compared with their own answer.
        """
        if self._redirection == "label":
            return self._training_losses(batch, self.instead[batch.y], rng)
        _, x, t, _ = self.denoiser.noisy(batch.x, rng)
        mine, other = (self.denoiser.dropped(labels, rng) for labels in (batch.y, self.instead[batch.y]))
        with torch.no_grad():
            target = self.denoiser.predict(x, t, other)
        return mean_error(self.denoiser.predict(x, t, mine), target)

    def recall_losses(
        self, batch: LabelledBatch, before: nn.Module, rng: torch.Generator, weights: RecallWeights = "equal"
    ) -> Tensor:
        """`losses` [n] of a remain batch with the answers of `before` in the place of the true noise; 0 before the first step.

        Args:
            weights: "noise" counts each by its timestep (ops.denoising.noise_weights).
        """
        noisy = self.denoiser.noisy(batch.x, rng)
        labels = self.denoiser.dropped(batch.y, rng)
        with torch.no_grad():
            noisy = noisy._replace(target=self.denoiser.predict(noisy.x, noisy.t, labels, before))
        return self.denoiser.errors(
            noisy, labels, self.denoiser.schedule.weights(noisy.t) if weights == "noise" else 1.0
        )

    def relative_losses(
        self, batch: LabelledBatch, before: nn.Module, rng: torch.Generator, other: Other = "next"
    ) -> Tensor:
        """What is left of the way to the wrong answer, per picture [n]: 1 where nothing moved yet, 0 at the goal.

        |e(x, mine) - e0(x, other)|**2 / |e0(x, mine) - e0(x, other)|**2 with e0 the answers of `before`: a share, so that every
        timestep counts the same, however near the two answers are there. On pictures of the other label: there a sampler comes by that is
        asked for the forgotten one and goes the new way. Labels are not dropped: without one there is no way to go.
        """
        instead = self.other_labels(before, other)[batch.y]
        _, x, t, _ = self.denoiser.noisy(self.store.replaced(batch, instead, rng), rng)
        with torch.no_grad():
            wanted = self.denoiser.predict(x, t, instead, before)
            way = mean_error(self.denoiser.predict(x, t, batch.y, before), wanted)
        return mean_error(self.denoiser.predict(x, t, batch.y), wanted) / way.clamp(min=SHORTEST_WAY)

    @torch.no_grad()
    def label_gap(self, batch: LabelledBatch, rng: torch.Generator) -> float:
        """Mean over pictures of a forget batch of log(loss with their label / loss without one), no gradient.

        Below 0 the label helps the model to see what was noised, above 0 it misleads it. Both losses see the same noise, at
        timesteps from the second quarter of the schedule, which tells best whether a class is still drawn (docs/adr/0028).
        Eval mode; the mode is kept.
        """
        n = min(len(batch.y), GAP_PICTURES)
        labels = batch.y[:n]
        _, x, t, target = self.denoiser.noisy(batch.x[:n], rng, self.denoiser.schedule.at(n + torch.arange(n), 4 * n))
        with kept_modes(self.model):
            self.model.eval()
            told, untold = (
                mean_error(self.denoiser.predict(x, t, label), target)
                for label in (labels, torch.full_like(labels, self.null))
            )
        return float((told.log() - untold.log()).mean())

    # The next five are what Selective Amnesia asks (reference, section 3.2); no label is dropped in them.

    def surrogate_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """Losses [n] of a forget batch whose pictures are replaced by uniform noise in [-1, 1]; its labels stay."""
        static = (torch.rand(batch.x.shape, generator=rng) * 2 - 1).to(self.device)
        return self.denoiser.errors(self.denoiser.noisy(static, rng), batch.y)

    def replay_losses(self, batch: LabelledBatch, rng: torch.Generator) -> Tensor:
        """Losses [n] of a remain batch."""
        return self.denoiser.errors(self.denoiser.noisy(batch.x, rng), batch.y)

    def class_pictures(self, per_class: int, rng: torch.Generator) -> Iterator[LabelledBatch]:
        """Batches of one picture each, `per_class` of every class, the forgotten ones included, class by class."""
        for label in range(self.classes):
            for row in self.store.some(label, per_class, rng):
                yield self.store.batch(row[None])

    def digest(self, batch: LabelledBatch) -> bytes:
        """Pixels and labels of a batch as bytes: equal for equal pictures only, so that results can be kept by them."""
        return batch.y.cpu().numpy().tobytes() + batch.x.cpu().numpy().tobytes()

    def stratified_losses(self, batch: LabelledBatch, strata: int, rng: torch.Generator) -> Tensor:
        """Losses [n, strata] of each picture at one random timestep from each of `strata` equal parts of the schedule."""
        edges = self.denoiser.schedule.at(torch.arange(strata + 1), strata)
        n, low, high = len(batch.y), edges[:-1], edges[1:]
        t = low + (torch.rand((n, strata), generator=rng) * (high - low)).to(low.dtype)
        noisy = self.denoiser.noisy(batch.x.repeat_interleave(strata, 0), rng, t.flatten())
        return self.denoiser.errors(noisy, batch.y.repeat_interleave(strata)).view(n, strata)

    def new_model(self, rng: torch.Generator) -> nn.Module:
        return self.denoiser.new_model(rng)

    def class_tables(self) -> dict[str, nn.Parameter]:
        """Tables [rows, d] of class embeddings by parameter name, in the order of the network; row c stands for class c."""
        found = {
            f"{name}.weight": module.weight
            for name, module in self.model.named_modules()
            if isinstance(module, nn.Embedding) and module.num_embeddings > self.null
        }
        return {name: weight for name, weight in found.items() if isinstance(weight, nn.Parameter)}

    def preparation(self) -> int:
        return self.store.preparation()

    def prepare(self) -> Generator[int, None, None]:
        return self.store.prepare()

    def trial(self, batch_size: int) -> tuple[Tensor, Loss]:
        return self.denoiser.trial(batch_size)

    def trial_look(self) -> tuple[int, Callable[[int], object]]:
        labels = self.preview_labels[:TRIAL_PICTURES]
        x = torch.zeros((len(labels), *self.shape), device=self.device)

        @torch.no_grad()
        def look(n: int) -> object:
            images = tiles(self.space.shown(x[:n]))
            return images if self.judge is None else self.judge.accepted(self.judge(pixels_of(images)), labels[:n])

        return len(labels), look

    def use_precision(self, wanted: Precision, batch_size: int) -> UsedPrecision:
        self.precision = self.denoiser.use_precision(wanted, batch_size)
        return self.precision

    def sample(
        self, labels: NDArray[np.int64], *, seed: int, steps: int, guidance: float, model: nn.Module | None = None
    ) -> Generator[int, None, NDArray[np.uint8]]:
        """Guided samples of `model` (default: the live one), one for each label, uint8 [n, h, w, c]; yields the sampler steps done."""
        drawn = yield from self.denoiser.draw(
            labels, self.space.shown, seed=seed, steps=steps, guidance=guidance, model=model
        )
        return tiles(drawn)

    def preview(self, cancel: CancelToken) -> Previewed | None:
        """Some pictures of each class, the forgotten ones first, always from the same noise."""
        images = self.preview_samples(cancel)
        return None if images is None else self.previewed(images)

    def about_preview(self) -> dict[str, Any]:
        """What the samples of a preview follow from, beside the weights and what the labels stand for."""
        how, labels = self.preview_settings, self.preview_labels.tolist()
        return {
            "what": "preview", "labels": labels, "seed": PREVIEW_SEED, "steps": how.steps, "guidance": how.guidance
        }  # fmt: skip

    def preview_samples(self, cancel: CancelToken, model: nn.Module | None = None) -> NDArray[np.uint8] | None:
        """The samples of a preview of `model` (default: the live one), [n, h, w, c]; None if it was stopped."""
        how = self.preview_settings
        work = self.sample(self.preview_labels, seed=PREVIEW_SEED, steps=how.steps, guidance=how.guidance, model=model)
        try:
            while not cancel.cancelled:
                next(work)
            work.close()
            return None
        except StopIteration as end:
            found: NDArray[np.uint8] = end.value
            return found

    def previewed(self, images: NDArray[np.uint8]) -> Previewed:
        """Samples [n, h, w, c] of `preview_labels` as one sheet, and the shares that the judge accepts."""
        how, labels, record, accepted = self.preview_settings, self.preview_labels, None, ()
        if self.judge is not None:
            found = self.judge.accepted(self.judge(pixels_of(images)), labels)
            right, mine = found == labels, np.isin(labels, self.forgotten)
            record = LiveRecord(
                forget=100.0 * float(right[mine].mean()),
                remain=100.0 * float(right[~mine].mean()),
                n_forget=int(mine.sum()),
                n_remain=int((~mine).sum()),
            )
            accepted = tuple(found.tolist())
        images = reduced(images)
        sheet = Sheet(
            png=sheet_png(images, how.columns),
            side=images.shape[1],
            columns=how.columns,
            labels=tuple(labels.tolist()),
            accepted=accepted,
            steps=how.steps,
            guidance=how.guidance,
        )
        return Previewed(record=record, sheet=sheet)

    def other_labels(self, before: nn.Module, other: Other) -> Tensor:
        """The label to draw instead of each one, int64 [labels]."""
        if other == "next" or not len(self._farthest_of):
            return self.instead
        labels = self.instead.clone()
        for c in self.forgotten:
            if c not in self._farthest:
                self._farthest[c] = self._farthest_from(before, c)
            labels[c] = self._farthest[c]
        return labels

    @torch.no_grad()
    def _farthest_from(self, before: nn.Module, forgotten: int) -> int:
        """The kept class farthest from a forgotten one.

        The distance of two classes is the mean squared difference of what the model before says of both, on pictures of either.
        Pictures on the way to a near class are taken for the forgotten one (docs/adr/0035).
        """
        rng = torch.Generator().manual_seed(0)  # the same choice of pictures and noise whatever the run's seed
        with kept_modes(before):
            before.eval()
            away = [self._apart(self.denoiser.predictor(before), forgotten, int(c), rng) for c in self._farthest_of]
        return int(self._farthest_of[np.argmax(away)])

    def _apart(self, predict: Predictor, a: int, b: int, rng: torch.Generator) -> float:
        some = torch.cat([self.store.some(c, APART_PICTURES, rng) for c in (a, b)])
        _, x, t, _ = self.denoiser.noisy(self.store.batch(some).x, rng)
        first, second = (predict(x, t, torch.full((len(some),), c, device=self.device)) for c in (a, b))
        return float((first - second).square().mean())

    def _training_losses(self, batch: LabelledBatch, labels: Tensor, rng: torch.Generator) -> Tensor:
        noisy = self.denoiser.noisy(batch.x, rng)
        return self.denoiser.errors(noisy, self.denoiser.dropped(labels, rng))
