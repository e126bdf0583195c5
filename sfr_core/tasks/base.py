"""Protocols between methods and tasks. A task owns data, device, noise and labels; a method owns optimisers and order."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.configs import Precision
from sfr_core.events import Prediction, Sheet
from sfr_core.ops.device import UsedPrecision
from sfr_core.results import LiveRecord

Part = Literal["forget", "remain"]
Other = Literal["next", "farthest"]
"""Which class a relative loss moves to: SFRonConfig.other."""
RecallWeights = Literal["equal", "noise"]
"""How the errors of a recall count: SFRonConfig.recall_weights."""
Source = Literal["train", "test"]
Batch = Any
"""Whatever the task's own `*_batches` yield and its `losses` read; a method passes it on unseen."""


class Task(Protocol):
    """What every method works with.

    `*_batches` give one shuffled pass (finite; the method cycles them), drawn from `rng`, with training augmentation.
    `*_losses` give one un-reduced loss per sample, shape [n], so that weights, ascent and Fisher can all be built from it.
    """

    model: nn.Module

    def parameters(self) -> dict[str, nn.Parameter]:
        """The trainable slice by name: everything, or for example cross-attention only."""
        ...

    def forget_batches(self, size: int, rng: torch.Generator) -> Iterator[Batch]: ...

    def remain_batches(self, size: int, rng: torch.Generator) -> Iterator[Batch]: ...

    def count(self, part: Part) -> int:
        """Number of samples in the set."""
        ...

    def losses(self, batch: Batch, rng: torch.Generator) -> Tensor: ...

    def fisher_batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[Batch]:
        """The batches that a Fisher is estimated on."""
        return self.forget_batches(size, rng) if part == "forget" else self.remain_batches(size, rng)

    def fisher_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """The losses that the Fisher looks at; most generators' are of the guided prediction."""
        return self.losses(batch, rng)


@runtime_checkable
class Redirectable(Protocol):
    """Tasks that know a wrong answer to descend to (another label, class or prompt)."""

    def redirect_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Per-sample losses [n] towards the wrong answer on forget rows; remain rows keep their own answer."""
        ...


@runtime_checkable
class Restartable(Protocol):
    """Tasks whose network can be trained anew within a run. A generator's takes hours: its card ships the retrained one."""

    def new_model(self, rng: torch.Generator) -> nn.Module:
        """The same architecture with fresh random weights, on the task's device."""
        ...


@runtime_checkable
class Distillable(Task, Redirectable, Restartable, Protocol):
    """Classifiers: logits, teachers, and passes over forget and remain set together."""

    def union_batches(self, size: int, rng: torch.Generator) -> Iterator[Batch]:
        """One shuffled pass over forget and remain rows together."""
        ...

    def is_forget(self, batch: Batch) -> Tensor:
        """True where a row of the batch belongs to the forget set, shape [n]."""
        ...

    def logits(self, batch: Batch, model: nn.Module | None = None) -> Tensor:
        """Logits [n, classes] of `model` (default: the live one) in its present mode."""
        ...

    def labels(self, batch: Batch) -> Tensor:
        """True labels of the batch, int64 [n]."""
        ...

    def shifted(self, batch: Batch, reach: int, rng: torch.Generator) -> Batch:
        """The batch with every picture moved by up to `reach` pixels each way, as in the recipe of the shipped classifier; black moves in."""
        ...


@runtime_checkable
class Denoising(Task, Redirectable, Restartable, Protocol):
    """Generators: what they predict of noisy pictures, compared with the model before or with noise.

    Attributes:
        forgotten: labels to forget. classes: number of labels.
    """

    forgotten: tuple[int, ...]
    classes: int

    def recall_losses(
        self, batch: Batch, before: nn.Module, rng: torch.Generator, weights: RecallWeights = "equal"
    ) -> Tensor:
        """`losses` [n] of a remain batch with the answers of `before` in the place of the true noise; 0 before the first step.

        Args:
            weights: "noise" counts each by its timestep (ops.denoising.noise_weights).
        """
        ...

    def relative_losses(self, batch: Batch, before: nn.Module, rng: torch.Generator, other: Other = "next") -> Tensor:
        """What is left of the way to the wrong answer, per picture [n]: 1 where nothing moved yet, 0 at the goal.

        |e(x, mine) - e0(x, other)|**2 / |e0(x, mine) - e0(x, other)|**2 with e0 the answers of `before`: a share, so that every
        timestep counts the same, however near the two answers are there.
        """
        ...

    def label_gap(self, batch: Batch, rng: torch.Generator) -> float:
        """Mean over pictures of a forget batch of log(loss with their label / loss without one), no gradient.

        Below 0 the label helps the model to see what was noised, above 0 it misleads it. Both losses see the same noise, at
        timesteps from the second quarter of the schedule, which tells best whether a class is still drawn (docs/adr/0028).
        Eval mode; the mode is kept.
        """
        ...

    # The next five are what Selective Amnesia asks (reference, section 3.2); no label is dropped in them.

    def surrogate_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Losses [n] of a forget batch whose pictures are replaced by uniform noise in [-1, 1]; its labels stay."""
        ...

    def replay_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """Losses [n] of a remain batch."""
        ...

    def class_pictures(self, per_class: int, rng: torch.Generator) -> Iterator[Batch]:
        """Batches of one picture each, `per_class` of every class, the forgotten ones included, class by class."""
        ...

    def digest(self, batch: Batch) -> bytes:
        """Pixels and labels of a batch as bytes: equal for equal pictures only, so that results can be kept by them."""
        ...

    def stratified_losses(self, batch: Batch, strata: int, rng: torch.Generator) -> Tensor:
        """Losses [n, strata] of each picture at one random timestep from each of `strata` equal parts of the schedule."""
        ...

    def class_tables(self) -> dict[str, nn.Parameter]:
        """Tables [rows, d] of class embeddings by parameter name, in the order of the network; row c stands for class c."""
        ...

    def sample(
        self, labels: NDArray[np.int64], *, seed: int, steps: int, guidance: float, model: nn.Module | None = None
    ) -> Generator[int, None, NDArray[np.uint8]]:
        """Guided samples of `model` (default: the live one), one for each label; yields the sampler steps done.

        Returns:
            uint8 [n, h, w, c].
        """
        ...


@runtime_checkable
class Promptable(Denoising, Protocol):
    """Text-to-image models, asked by the number of a prompt. No prompt is dropped in any of these.

    Attributes:
        null: label of the empty prompt.
        direct: labels of the concept's direct prompts, int64 [k].
        targets: label of the prompt that each of them is redirected to, int64 [k]; often one for all.
        kept: labels of the prompts that are trained on to be kept, int64 [m].
    """

    null: int
    direct: Tensor
    targets: Tensor
    kept: Tensor

    def anchor_batches(self, size: int, rng: torch.Generator) -> Iterator[tuple[Batch, Tensor]]:
        """One shuffled pass over pictures that the redirections' prompts show, with the labels [n] of these prompts."""
        ...

    def noisy_batch(self, batch: Batch, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Noised latents [n, c, h, w] of a batch, their noise and their timesteps [n]."""
        ...

    def noise_of(self, x: Tensor, t: Tensor, labels: Tensor, model: nn.Module | None = None) -> Tensor:
        """Predicted noise [n, c, h, w] for prompts `labels` [n]; of `model`, default the live one, in its present mode."""
        ...

    def half_drawn(self, labels: Tensor, *, steps: int, guidance: float, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Samples of the live model [n, c, h, w] that stop on their way, all at one random step, with its timestep [n]."""
        ...

    def text_states(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """States of the prompts' words [n, tokens, d], the padding included, and the place of the last word [n]."""
        ...

    def key_value_layers(self) -> dict[str, nn.Linear]:
        """The projections of the text in every cross-attention layer, by name of their module."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Previewed:
    """What a running page is shown of the live model: a classifier's predictions, or a generator's samples.

    Attributes:
        record: None of a generator that nobody judges.
    """

    record: LiveRecord | None
    predictions: tuple[Prediction, ...] = ()
    sheet: Sheet | None = None


class RunTask(Task, Protocol):
    """What a session runs: it can be watched, and may have something to do before a run, such as drawing its pictures.

    Attributes:
        previews: previews in a run, beside the one before it, where the caller names no interval.
        still: networks beside the model that a run uses and does not change.
        precision: of forward passes.
    """

    previews: int
    still: tuple[nn.Module, ...]
    precision: UsedPrecision

    def preview(self, cancel: CancelToken) -> Previewed | None:
        """Evidence on fixed small subsets or seeds, changing no weight, buffer, mode or generator; None if it was stopped."""
        ...

    def use_precision(self, wanted: Precision, batch_size: int) -> UsedPrecision:
        """Takes the wanted precision, or of `auto` the faster one for batches of this size."""
        ...

    def preparation(self) -> int:
        """Units of work that `prepare` still has to do; 0 where it is ready."""
        return 0

    def prepare(self) -> Generator[int, None, None]:
        """Does it, yielding the units done after each; a caller that stops asking has stopped it."""
        yield from ()
