"""Protocols between methods and tasks. A task owns data, device, noise and labels; a method owns optimisers and order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.configs import MethodConfig, Precision, RunConfig
from sfr_core.data.concepts import PromptPlan
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split
from sfr_core.events import Prediction, Sheet
from sfr_core.nets.judge import Judge
from sfr_core.ops.device import Loss, UsedPrecision
from sfr_core.results import LiveRecord

Part = Literal["forget", "remain"]
Other = Literal["next", "farthest"]
"""Which class a relative loss moves to: RedirectedConfig.other."""
RecallWeights = Literal["equal", "noise"]
"""How the errors of a recall count: RedirectedConfig.recall_weights."""
Source = Literal["train", "test"]
Batch = Any
"""Whatever the task's own `batches` yield and its `losses` read; a method passes it on unseen."""


class Task(Protocol):
    """What every method works with.

    Batches are of one shuffled pass (finite; the method cycles them), drawn from `rng`, with training augmentation.
    `*losses` give one un-reduced loss per sample, shape [n], so that weights, ascent and Fisher can all be built from it.
    What only some methods need stands with the tasks that can do it: ClassifierTask, DiffusionTask, TextToImageTask.
    """

    model: nn.Module

    def parameters(self) -> dict[str, nn.Parameter]:
        """The trainable slice by name: everything, or for example cross-attention only."""
        ...

    def batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[Batch]: ...

    def count(self, part: Part) -> int:
        """Number of samples in the set."""
        ...

    def losses(self, batch: Batch, rng: torch.Generator) -> Tensor: ...

    def redirect_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """The losses of forget rows towards a wrong answer (another label, class or prompt); remain rows keep their own."""
        ...

    def new_model(self, rng: torch.Generator) -> nn.Module:
        """The same architecture with fresh random weights, on the task's device."""
        ...

    def fisher_batches(self, part: Part, size: int, rng: torch.Generator) -> Iterator[Batch]:
        """The batches that a Fisher is estimated on."""
        return self.batches(part, size, rng)

    def fisher_losses(self, batch: Batch, rng: torch.Generator) -> Tensor:
        """The losses that the Fisher looks at; most generators' are of the guided prediction."""
        return self.losses(batch, rng)


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

    def trial(self, batch_size: int) -> tuple[Tensor, Loss]:
        """Inputs of the network, at most `batch_size`, and a loss of them, to time passes with."""
        ...

    def trial_look(self) -> tuple[int, Callable[[int], object]]:
        """Samples that a trial shows and judges at most, and the trial with some of them; a classifier shows none."""
        return 0, lambda n: None

    def preparation(self) -> int:
        """Units of work that `prepare` still has to do; 0 where it is ready."""
        return 0

    def prepare(self) -> Generator[int, None, None]:
        """Does it, yielding the units done after each; a caller that stops asking has stopped it."""
        yield from ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a task is made of: a session gathers it, and the function that a kind of model names (Kind.opens) makes the task of it.

    Attributes:
        config: of the run. method: its settings, validated and whole.
        dataset, split: the pictures, and what is forgotten.
        prompts: of a run that forgets a concept, else None.
        load: gives the network, or the pipeline that holds it. build: makes the same architecture with fresh weights.
        judge: gives the judge of the samples; None where there is none.
        guidance: of samples, where the model's card names one.
    """

    config: RunConfig
    method: MethodConfig
    dataset: Dataset
    split: Split
    prompts: PromptPlan | None
    load: Callable[[], Any]
    build: Callable[[], nn.Module]
    judge: Callable[[], Judge | None]
    guidance: float | None
    device: torch.device
