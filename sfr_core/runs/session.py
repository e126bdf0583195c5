"""One run's model: weights before and after, answers, rollback. Everything is checked before anything starts."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core import passes
from sfr_core.cancel import CancelToken
from sfr_core.configs import Device, RunConfig
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import count_copies
from sfr_core.errors import Busy, InputError
from sfr_core.hub.describe import check_memory, hub_precision
from sfr_core.hub.open import opened_generator
from sfr_core.kinds import kind_named
from sfr_core.kinds.base import named
from sfr_core.metrics.classifier import Answers
from sfr_core.ops.device import UsedPrecision, device_name, memory_errors, pick_device
from sfr_core.ops.optimizers import check_optimizer
from sfr_core.ops.sparing import halve_frozen, recompute_blocks
from sfr_core.plan import RunPlan, plan
from sfr_core.results import LiveRecord, Report, RunResult
from sfr_core.runs.evaluate import Evaluation, Who, answers_of
from sfr_core.runs.moments import Moment, Moments, Tally
from sfr_core.tasks import base
from sfr_core.tasks.classifier import ClassifierTask
from sfr_core.zoo.shipped import (
    HUB,
    LOCAL,
    OWN,
    Brought,
    ModelCard,
    brought,
    build_module,
    load_tensors,
    open_dataset,
    open_judge,
    open_whole,
    read_tensors,
    retrained_model,
)

__all__ = ["Retrained", "Session", "Tally", "Who", "tensors_of"]


@dataclass(frozen=True, slots=True)
class Retrained:
    """A model that somebody retrained: parameters and buffers by name on the CPU, and what it took, where that is known.

    Attributes:
        seconds: on this machine. passes: see passes.py.
    """

    weights: Mapping[str, Tensor]
    seconds: float | None = None
    passes: float | None = None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The weights as arrays, which travel to another process."""
        return {name: value.numpy() for name, value in self.weights.items()}


def tensors_of(arrays: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """What came as arrays from another process; what lies in memory shared with it is copied."""
    return {name: torch.from_numpy(array if array.flags.writeable else array.copy()) for name, array in arrays.items()}


class Session:
    """A live task with its start weights. One run at a time; nothing here is shared between sessions but read-only data.

    Attributes:
        plan: what is run on what; config, card, method, method_config: of it.
        dataset, split, task: the model's pictures with the names of the plan's labels, the two sets, and the live task.
        before: CPU copies of parameters and buffers at the start. after: the same at the end of a run, or None.
        retrained: retrained model where the card has none.
        shown_before: of a text-to-image model, share of each prompt's samples that fulfil it before the run; of the last evaluation.
        reports: answers picture by picture or samples, by model; of the last evaluation.
        tally: what the last run made, or the present one has made so far.
        result: the record of the finished run, or None.
        moments: those of the last run whose weights are held.
    """

    def __init__(
        self,
        run: RunPlan,
        dataset: Dataset,
        load: Callable[[], Any],
        build: Callable[[], nn.Module],
        retrained: Retrained | None = None,
    ) -> None:
        """Checks what the plan could not, and only then asks `load` for the trained network.

        Args:
            run: what is run. dataset: the model's pictures.
            load: gives the trained network, or the pipeline that holds it (zoo.open_whole); called once everything else is
                known to be good.
            build: makes the same architecture with fresh weights.
            retrained: retrained model where the card has none; it must be the caller's own.

        Raises:
            InputError: as `open`. OutOfMemory: the device cannot hold the model, or a pass of it to be timed.
        """
        self.plan, self.retrained = run, retrained
        self.config, self.card, self.method, self.method_config = run.config, run.card, run.method, run.settings
        config, model, forget, kind = run.config, run.card, run.forget, kind_named(run.card.kind)
        # The caller's own pictures where their classes are the labels: nothing here keeps a second set of them.
        labelled = dataset.class_names == forget.names
        self.dataset = dataset if labelled else replace(dataset, class_names=forget.names)
        self.split = forget.split
        self.device = pick_device(config.device)
        if model.foreign:
            check_memory(model, config, self.device)
        check_optimizer(str(self.method_config.to_dict().get("optimizer", "")))
        with memory_errors("to open this model"):
            given = base.Opening(
                config=config, method=self.method_config, dataset=self.dataset, split=self.split, prompts=forget.prompts,
                load=load, build=build, judge=lambda: None if model.judge is None else open_judge(model),
                guidance=None if model.sampling is None else model.sampling.guidance, device=self.device,
            )  # fmt: skip
            self.task = cast("Callable[[base.Opening], base.RunTask]", named(kind.opens))(given)
            trial = getattr(self.method_config, "batch_size", 1)  # a method in closed form has no batches
            if config.memory == "spare":
                recompute_blocks(self.task.model)
            wanted = "bf16" if (config.memory, config.precision) == ("spare", "auto") else config.precision
            if model.foreign and kind.draws:
                wanted = hub_precision(config, self.device)
            self.precision: UsedPrecision = self.task.use_precision(wanted, trial)
            if config.memory == "spare":
                halve_frozen(self.task.still, self.task.model, self.precision)
            self.before = self._snapshot()
        self.device_name = device_name(self.device)
        self.threads = torch.get_num_threads()
        self.after: dict[str, Tensor] | None = None
        self.reports: dict[Who, Report] = {}
        self.shown_before: dict[int, float] = {}
        self.tally = Tally()
        self.result: RunResult | None = None
        self.moments = Moments(sum(value.nbytes for value in self._slice().values()))
        self._running = threading.Lock()

    @classmethod
    def open(cls, config: RunConfig, model: ModelCard | None = None, *, dataset: Dataset | None = None) -> Session:
        """Plans a run and loads its model.

        Args:
            config: the run.
            model: card of one that the zoo need not list (a draft, or one with other retrained models); default: what the config
                names, fetched first where it is one of the Hub.
            dataset: instead of the pictures that the card names.

        Raises:
            InputError: an unknown name, a value out of range, an impossible forget set, a missing or damaged file.
            OutOfMemory: the device cannot hold the model.
        """
        if model is None and config.model.startswith((HUB, LOCAL)):
            model = opened_generator(config.model)
            config = replace(config, model=model.id)
        return cls.of_plan(plan(config, card=model, dataset=dataset), dataset=dataset)

    @classmethod
    def of_plan(
        cls,
        run: RunPlan,
        own: Brought | None = None,
        *,
        dataset: Dataset | None = None,
        retrained: Retrained | None = None,
    ) -> Session:
        """Loads the model of a planned run.

        Args:
            run: the plan.
            own: a visitor's own classifier and pictures, where the zoo has not taken it in.
            dataset: instead of the pictures that the card names.
            retrained: retrained model where the card has none.

        Raises:
            InputError: a missing or damaged file. OutOfMemory: the device cannot hold the model.
        """
        model = run.card
        if own is None and model.id.startswith(OWN):
            own = brought(model.id)
        if own is not None:
            return cls(run, own.dataset, own.build_trained, own.build, retrained)
        pictures = dataset or open_dataset(model)
        return cls(run, pictures, lambda: open_whole(model), lambda: build_module(model.architecture), retrained)

    def begin(self) -> None:
        """Claims the session for a run, which begins from the start weights whatever an earlier run left.

        Raises:
            Busy: a run is going on.
        """
        self.claim()
        if self.after is not None:
            self.rollback()
        self.moments.clear()

    def claim(self) -> None:
        """Takes the session for as long as nobody else may change its model, until `end`.

        Raises:
            Busy: a run is going on.
        """
        if not self._running.acquire(blocking=False):
            raise Busy("This model is already being changed by a run.", hint="Stop that run or wait for its end.")

    def end(self) -> None:
        """Gives the session free again."""
        if self._running.locked():
            self._running.release()

    def keep(self) -> None:
        """Records the live weights as the run's outcome."""
        self.after = self._snapshot()

    def hold(self, record: LiveRecord) -> None:
        """Holds the live weights, where they are among the nearest to the retrained model so far."""
        if self.moments.wants(record):
            self.moments.add(Moment(replace(self.tally), record, self._copied(self._slice())))

    def keep_moment(self, step: int) -> None:
        """Makes a held moment the run's outcome, which is not measured yet; the present outcome is held in turn.

        Raises:
            InputError: it is not held. Busy: a run is going on, or its weights are being used.
        """
        self.claim()
        try:
            self.take_moment(step)
        finally:
            self.end()

    def take_moment(self, step: int) -> None:
        """`keep_moment` of whoever has the session already (`begin`).

        Raises:
            InputError: the moment is not held.
        """
        moment = self.moments.held.get(step)
        if moment is None or self.after is None:
            raise InputError("The weights of this step are not held.", hint="Run again, or choose another step.")
        if self.tally.steps not in self.moments.held:
            weights = {name: self.after[name] for name in self._slice()}
            self.moments.add(Moment(replace(self.tally), None, weights), spare=step)
        self.take_up(moment.weights, name="What was held")
        self.tally = replace(moment.tally, peak_bytes=self.tally.peak_bytes)
        self.result = None
        self.reports.pop("after", None)

    def take_up(self, changed: Mapping[str, Tensor], *, name: str = "What the run changed") -> None:
        """Takes up the outcome of an equal run: the tensors that it changed; `name` says what holds them.

        Raises:
            AssetError: they belong to another network.
        """
        after = {**self.before, **changed}
        load_tensors(self.task.model, after, name=name)
        self.after = after

    def rollback(self) -> None:
        """Puts the start weights back and forgets the outcome."""
        self.task.model.load_state_dict(self.before)
        self.moments.clear()
        self.after = None
        self.result = None
        self.reports.pop("after", None)

    def changed_tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers that the run changed, on the CPU.

        Raises:
            InputError: there is no outcome.
        """
        if self.after is None:
            raise InputError("There are no weights to save yet.", hint="Run to the end, or stop a run and keep it.")
        return {name: value for name, value in self.after.items() if not torch.equal(value, self.before[name])}

    @property
    def whole(self) -> bool:
        """Whether `outcome` is a whole network: a classifier is small, and its file can then be opened like any other."""
        return not kind_named(self.card.kind).draws

    def outcome(self) -> dict[str, Tensor]:
        """What after.safetensors holds, on the CPU: of a classifier all tensors, of a generator those that the run changed.

        Raises:
            InputError: there is no outcome.
        """
        changed = self.changed_tensors()
        return {**self.before, **changed} if self.whole else changed

    def has(self, who: Who) -> bool:
        """Whether there is such a model; reads no file."""
        if who in ("before", "after"):
            return who == "before" or self.after is not None
        shipped = retrained_model(self.card, self.split.spec.text, second=who == "second") is not None
        return shipped or (who == "retrained" and self.retrained is not None)

    def weights(self, who: Who) -> Mapping[str, Tensor] | None:
        """Parameters and buffers of one of the models on the CPU; None where there is no such model.

        Raises:
            AssetError: a retrained model of the card is missing or damaged.
        """
        if who == "before":
            return self.before
        if who == "after":
            return self.after
        reference = retrained_model(self.card, self.split.spec.text, second=who == "second")
        if reference is not None:
            return read_tensors(self.card.folder / reference.file, sha256=reference.sha256)
        return self.retrained.weights if self.retrained is not None and who == "retrained" else None

    def reference(self, who: Who) -> nn.Module | None:
        """A copy of one of the models on the session's device, in eval mode; None where there is no such model.

        Raises:
            AssetError: a retrained model of the card is missing, damaged or of another network.
        """
        weights = self.weights(who)
        if weights is None:
            return None
        module = copy.deepcopy(self.task.model)
        load_tensors(module, weights, name=f"The {who} model of '{self.card.id}'")
        return module.eval()

    def models(self) -> dict[Who, Callable[[], nn.Module | None]]:
        """The models that there are, the live one as `after`, for an evaluation."""
        others: tuple[Who, ...] = ("before", "retrained", "second")
        return {**{who: partial(self.reference, who) for who in others if self.has(who)}, "after": lambda: None}

    def store(self, found: Evaluation) -> None:
        """Keeps what an evaluation measured."""
        self.reports.update(found.reports)
        self.shown_before = found.shown_before

    @property
    def retrain_passes(self) -> float | None:
        """Passes that retraining takes: those of the model that somebody retrained here, or what a card knows; None where unknown."""
        mine = self._made_here
        return passes.retraining(self.plan) if mine is None else mine.passes

    @property
    def retrain_seconds(self) -> float | None:
        """What the retrained model took on this machine; None where a card ships it, whose seconds are another machine's."""
        mine = self._made_here
        return None if mine is None else mine.seconds

    @property
    def _made_here(self) -> Retrained | None:
        """The visitor's retrained model, where the card has none."""
        return self.retrained if retrained_model(self.card, self.split.spec.text) is None else None

    @cached_property
    def copies(self) -> int | None:
        """Pictures of the remain set that are exact copies of forgotten ones; None of a model that draws its own."""
        pictured = len(self.dataset.train) and self.plan.forget.prompts is None
        return count_copies(self.dataset.train.images, self.split) if pictured else None

    @property
    def used(self) -> RunConfig:
        """The config with the device, precision and threads that the run uses, from which it can be repeated to the last bit."""
        device: Device = "cuda" if self.device.type == "cuda" else "cpu"
        return replace(self.config, device=device, precision=self.precision, threads=self.threads)

    def answers(self, who: Who, cancel: CancelToken | None = None) -> Answers | None:
        """Probabilities of one of a classifier's four models on every picture; None where there is no such model.

        Raises:
            InputError: not a classifier. Stopped: `cancel` was set meanwhile.
        """
        if not isinstance(self.task, ClassifierTask):
            raise InputError("Only a classifier has answers.", hint="Ask a generator for samples.")
        return answers_of(self.task, self, self.models(), who, cancel)

    def _snapshot(self) -> dict[str, Tensor]:
        return self._copied(self.task.model.state_dict())

    def _slice(self) -> dict[str, Tensor]:
        """What a run may change of the live model: the trained weights and all buffers."""
        moving = {*self.task.parameters(), *(name for name, _ in self.task.model.named_buffers())}
        return {name: value for name, value in self.task.model.state_dict().items() if name in moving}

    @staticmethod
    def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: value.detach().cpu().clone() for name, value in tensors.items()}
