"""One run's model: weights before and after, answers, rollback. Everything is checked before anything starts."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sfr_core.configs import MethodConfig, RunConfig
from sfr_core.data.datasets import Dataset
from sfr_core.data.splits import Split, parse_forget, split_rows
from sfr_core.errors import Busy, InputError, UnknownName
from sfr_core.evaluation import Answers
from sfr_core.methods import METHODS, MethodSpec
from sfr_core.ops.device import UsedPrecision, device_name, pick_device, pick_precision
from sfr_core.results import ModelReport, RunResult
from sfr_core.tasks import base
from sfr_core.tasks.classifier import ClassifierTask
from sfr_core.zoo import (
    OWN,
    Brought,
    ModelCard,
    brought,
    build_module,
    card,
    gold_standard,
    load_weights,
    open_dataset,
    open_model,
)

Who = Literal["before", "after", "retrained", "twin"]
ANSWERS_KEPT = 24
"""Answers of shipped models that stay in memory (about 1.6 MB each), so that a second run does not ask them again."""


class Session:
    """A live task with its start weights. One run at a time; nothing here is shared between sessions but read-only data.

    Attributes:
        config: as asked for. method, method_config: what it names, validated.
        card, dataset, split, task: the model, its pictures, the two sets, and the live task.
        before: CPU copies of parameters and buffers at the start. after: the same at the end of a run, or None.
        reports: answers picture by picture, by model; filled in the last phase of a run.
        result: the record of the finished run, or None.
    """

    def __init__(
        self,
        config: RunConfig,
        model: ModelCard,
        dataset: Dataset,
        load: Callable[[], nn.Module],
        build: Callable[[], nn.Module],
    ) -> None:
        """Checks the config against the data, and only then asks `load` for the trained network.

        Args:
            config, model, dataset: what is run on what.
            load: gives the trained network; called once everything else is known to be good.
            build: makes the same architecture with fresh weights.

        Raises:
            InputError: as `open`.
        """
        if config.method not in METHODS:
            raise UnknownName("method", config.method, METHODS)
        self.config = config
        self.method: MethodSpec = METHODS[config.method]
        self.method_config: MethodConfig = self.method.config_cls.from_dict(config.settings)
        self.card = model
        self.dataset = dataset
        self.split: Split = split_rows(parse_forget(config.forget, dataset.class_names), dataset.train.labels)
        self.device = pick_device(config.device)
        self.task = ClassifierTask(
            load(), build, dataset, self.split, device=self.device, precision="fp32", seed=config.seed
        )
        for name in self.method.requires:
            if not isinstance(self.task, getattr(base, name)):
                raise InputError(f"{self.method.title} cannot work on this model.", hint="Choose another method.")
        self.precision: UsedPrecision = self._pick_precision()
        self.task.precision = self.precision
        self.device_name = device_name(self.device)
        self.threads = torch.get_num_threads()
        self.before = self._snapshot()
        self.after: dict[str, Tensor] | None = None
        self.reports: dict[Who, ModelReport] = {}
        self.result: RunResult | None = None
        self._running = threading.Lock()

    @classmethod
    def open(cls, config: RunConfig, own: Brought | None = None) -> Session:
        """Loads what the config names.

        Args:
            config: the run.
            own: a visitor's own classifier and pictures; without it, `config.model` is looked up in the zoo, which
                also knows the visitors' models that it took in.

        Raises:
            InputError: an unknown name, a value out of range, an impossible forget set, a missing or damaged file.
        """
        if own is None and config.model.startswith(OWN):
            own = brought(config.model)
        if own is not None:
            return cls(config, own.card, own.dataset, own.build_trained, own.build)
        model = card(config.model)
        return cls(
            config,
            model,
            open_dataset(model),
            lambda: open_model(model),
            lambda: build_module(model.architecture),
        )

    def begin(self) -> None:
        """Claims the session for a run, which begins from the start weights whatever an earlier run left.

        Raises:
            Busy: a run is going on.
        """
        if not self._running.acquire(blocking=False):
            raise Busy("This model is already being changed by a run.", hint="Stop that run or wait for its end.")
        if self.after is not None:
            self.rollback()

    def end(self) -> None:
        """Gives the session free again."""
        if self._running.locked():
            self._running.release()

    def keep(self) -> None:
        """Records the live weights as the run's outcome."""
        self.after = self._snapshot()

    def adopt(self, changed: Mapping[str, NDArray[Any]]) -> None:
        """Takes up the outcome of an equal session in another process: the arrays that its run changed, by name."""
        self.after = {**self.before, **{name: torch.from_numpy(array) for name, array in changed.items()}}
        self.task.model.load_state_dict(self.after)

    def rollback(self) -> None:
        """Puts the start weights back and forgets the outcome."""
        self.task.model.load_state_dict(self.before)
        self.after = None
        self.result = None
        self.reports.pop("after", None)

    def changed_tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers that the run changed, on the CPU: what after.safetensors holds.

        Raises:
            InputError: there is no outcome.
        """
        if self.after is None:
            raise InputError("There are no weights to save yet.", hint="Run to the end, or stop a run and keep it.")
        return {name: value for name, value in self.after.items() if not torch.equal(value, self.before[name])}

    def answers(self, who: Who) -> Answers | None:
        """Probabilities of one of the four models on every picture; None where no such retrained model is shipped."""
        if who == "after":
            return self._ask(None)
        cached_as = (
            f"{self.dataset.name}/{self.card.sha256}/{who}/{self.split.spec.text}/{self.device.type}/{self.precision}"
        )
        if who == "before":
            cached_as = f"{self.dataset.name}/{self.card.sha256}/{self.device.type}/{self.precision}"
        shipped = self.card.source == "bundled"
        found = _answers.get(cached_as) if shipped else None
        if found is None:
            module = self._reference(who)
            if module is None:
                return None
            found = self._ask(module)
            if shipped:
                _answers.put(cached_as, found)
        return found

    def _reference(self, who: Who) -> nn.Module | None:
        gold = None if who == "before" else gold_standard(self.card, self.split.spec.text, twin=who == "twin")
        if who != "before" and gold is None:
            return None
        module = self.task.new_model(torch.Generator())
        if gold is None:
            module.load_state_dict(self.before)
        else:
            load_weights(module, self.card.folder / gold.file, sha256=gold.sha256)
        return module

    def _ask(self, module: nn.Module | None) -> Answers:
        return Answers.from_logits(self.task.predict("train", module), self.task.predict("test", module))

    def _snapshot(self) -> dict[str, Tensor]:
        return {name: value.detach().cpu().clone() for name, value in self.task.model.state_dict().items()}

    def _pick_precision(self) -> UsedPrecision:
        size = min(self.method_config.batch_size, len(self.dataset.train))
        batch = next(self.task.remain_batches(size, torch.Generator()))
        return pick_precision(self.config.precision, self.task.model, batch.x)


class _AnswerCache:
    """The last ANSWERS_KEPT answers of shipped models; safe to use from several runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Answers] = OrderedDict()

    def get(self, key: str) -> Answers | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, answers: Answers) -> None:
        with self._lock:
            self._kept[key] = answers
            while len(self._kept) > ANSWERS_KEPT:
                self._kept.popitem(last=False)


_answers = _AnswerCache()
