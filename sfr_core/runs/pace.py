"""How fast this machine computes a model: passes timed once, kept on disk, and corrected by every run that ends."""

from __future__ import annotations

import json
import math
import os
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sfr_core.catalog.base import FORWARD
from sfr_core.configs import RunConfig
from sfr_core.errors import AssetError
from sfr_core.ops.device import Loss, UsedPrecision, autocast, pick_device, timed, trained
from sfr_core.ops.modes import kept_modes
from sfr_core.passes import cost_of
from sfr_core.plan import RunPlan
from sfr_core.reading import read
from sfr_core.runs.files import whole_file
from sfr_core.runs.known import machine_of, user_folder
from sfr_core.runs.session import Session

FILE = "paces.json"
MOST = 200
"""Entries in the file; the oldest make room."""
SECONDS = 1.0
"""That each of the three trials may take once it is warm."""
STEADY = 0.1
"""Two passes that differ by less than this share of their time are taken as the pace."""
REMEMBERED, CORRECTS = 12, 5
"""Ended runs that are kept of a model, and the newest of them that correct its pace."""
STARTED = time.time()
"""Of this process, seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Seconds that single pictures take in batches as a run has them.

    Attributes:
        train: forward and backward. forward: one answer of the network without gradients. look: to show and judge a sample.
        opening: of the whole model, from its files to the first event of a run.
        precision: of the passes.
    """

    train: float
    forward: float
    look: float
    opening: float
    precision: UsedPrecision


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """An ended run: its real time over the one that the timed passes say, for the method and for all else."""

    name: str
    method: float
    rest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What is known of a model on a machine.

    Attributes:
        machine: known.machine_of. weights: sha256. memory, asked: RunConfig.memory and precision. at: seconds since the epoch.
    """

    machine: str
    weights: str
    memory: str
    asked: str
    rates: Rates
    runs: tuple[Ran, ...] = ()
    at: float = 0.0

    def serves(self, machine: str, weights: str, config: RunConfig) -> bool:
        """Whether it holds for such a run: the precision was asked for, or is the one that was taken."""
        same = (self.machine, self.weights, self.memory) == (machine, weights, config.memory)
        return same and config.precision in (self.asked, self.rates.precision)

    def faster(self, other: Pace | None) -> Pace:
        """This one with the faster of both times of each sort: whatever else a machine does only slows a pass down."""
        if other is None or other.rates.precision != self.rates.precision:
            return self
        mine, theirs = self.rates, other.rates
        rates = replace(
            mine,
            train=min(mine.train, theirs.train),
            forward=min(mine.forward, theirs.forward),
            look=min(mine.look, theirs.look),
        )
        return replace(self, rates=rates)

    def factors(self, method: str) -> tuple[float, float]:
        """By how much the timed passes are wrong for a method and for all else: medians of the last runs, 1 before the first."""
        same = [ran.method for ran in self.runs if ran.name == method] or [ran.method for ran in self.runs]
        rest = [ran.rest for ran in self.runs]
        return _median(same[-CORRECTS:]), _median(rest[-CORRECTS:])


def _median(ratios: list[float]) -> float:
    return statistics.median(ratios) if ratios else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    paces: tuple[Pace, ...]


class Paces:
    """The paces of this process, and those that a file keeps for the next one.

    Args:
        file: of this user; None keeps nothing on disk.
        since: what was timed before, seconds since the epoch, is in doubt until a run has ended.
    """

    def __init__(self, file: Path | None, since: float = STARTED) -> None:
        self._file, self._since, self._lock = file, since, threading.Lock()
        self._paces = self._read()

    def of(self, run: RunPlan) -> Pace | None:
        """What is known of the model of a run on the machine that it will run on."""
        machine, weights = machine_of(pick_device(run.config.device)), _weights(run)
        with self._lock:
            found = [pace for pace in self._paces if pace.serves(machine, weights, run.config)]
        return found[-1] if found else None

    def settled(self, run: RunPlan) -> bool:
        """Whether the model's passes need not be timed: this process has timed them, or a run has ended since they were.

        The machine may have been busy when another process timed them, and no run has told since.
        """
        found = self.of(run)
        return found is not None and self._settled(found)

    def _settled(self, pace: Pace) -> bool:
        return bool(pace.runs) or pace.at >= self._since

    def measure(self, session: Session, opening: float) -> Pace:
        """What is known of an open model; its passes are timed now where nothing is, or nothing that is settled.

        Args:
            opening: seconds that the opening took.
        """
        run = session.plan
        found = self.of(run)
        if found is not None and self._settled(found):
            return found
        timed_now = Pace(
            machine=machine_of(session.device), weights=_weights(run), memory=run.config.memory,
            asked=run.config.precision, rates=timed_rates(session, opening),
        )  # fmt: skip
        return self._put(timed_now.faster(found))

    def learn(self, run: RunPlan, ran: Ran, opening: float) -> None:
        """Corrects the pace of a run's model; `opening`: seconds to the first event."""
        found = self.of(run)
        numbers = (ran.method, ran.rest, opening)
        if found is not None and all(math.isfinite(number) and number >= 0 for number in numbers):
            self._put(
                replace(found, runs=(*found.runs, ran)[-REMEMBERED:], rates=replace(found.rates, opening=opening))
            )

    def _put(self, pace: Pace) -> Pace:
        pace = replace(pace, at=time.time())
        with self._lock:
            # Another process may have written meanwhile.
            found = {_key(one): one for one in sorted((*self._read(), *self._paces, pace), key=lambda one: one.at)}
            self._paces = tuple(sorted(found.values(), key=lambda one: one.at))[-MOST:]
            if self._file is not None:
                with suppress(OSError), whole_file(self._file) as f:
                    f.write(json.dumps(asdict(_Kept(paces=self._paces)), indent=1).encode())
        return pace

    def _read(self) -> tuple[Pace, ...]:
        """What the file holds; nothing of one that is missing or broken."""
        if self._file is None:
            return ()
        try:
            data: Any = json.loads(self._file.read_text(encoding="utf-8"))
            return read(_Kept, data, "the file of paces", hint="").paces
        except (OSError, ValueError, AssetError):
            return ()


def _key(pace: Pace) -> tuple[str, ...]:
    return pace.machine, pace.weights, pace.memory, pace.asked


def _weights(run: RunPlan) -> str:
    return run.card.sha256


_of: dict[Path | None, Paces] = {}
_of_lock = threading.Lock()


def paces() -> Paces:
    """Those of this user; in memory only where UNLEARNING_CACHE is "off"."""
    folder = None if os.environ.get("UNLEARNING_CACHE") == "off" else user_folder()
    with _of_lock:
        return _of.setdefault(folder, Paces(None if folder is None else folder / FILE))


def timed_rates(session: Session, opening: float) -> Rates:
    """Times passes of each sort, warm, until they are steady; nothing of the session changes.

    Where the session's method trains nothing, no pass with gradients is made: it may not fit into memory.
    """
    config = session.method_config
    task, batch = session.task, getattr(config, "batch_size", getattr(config, "fisher_batch_size", 1))
    x, loss = task.trial(batch)
    pictures, look = task.trial_look()
    gpu = [session.device] if session.device.type == "cuda" else []
    with torch.random.fork_rng(gpu):  # dropout draws from the global generator
        answer = _answer(session, loss)
        forward = _for_one(lambda n: answer(x[:n]), len(x), session.device)
        train = forward / FORWARD
        if cost_of(session.plan).trains:
            one = trained(task.model, task.precision, loss)
            train = _for_one(lambda n: one(x[:n]), len(x), session.device, least=2)  # batch norm cannot train on one
        shown = _for_one(look, pictures, session.device) if pictures else 0.0
    return Rates(train=train, forward=forward, look=shown, opening=opening, precision=task.precision)


def _answer(session: Session, loss: Loss) -> Callable[[torch.Tensor], None]:
    model = session.task.model

    def one(x: torch.Tensor) -> None:
        with torch.no_grad(), kept_modes(model), autocast(session.device, session.precision):
            model.eval()
            loss(model, x)

    return one


def _for_one(work: Callable[[int], object], most: int, device: torch.device, *, least: int = 1) -> float:
    """Seconds of some work for one picture: with as many as take about SECONDS, at most `most`, and `least` where there are so many."""
    few = min(least, most)
    timed(lambda: work(few), device)
    each = timed(lambda: work(few), device) / few
    n = max(few, min(most, int(SECONDS / max(each, 1e-9))))
    return _steady(lambda: work(n), device) / n


def _steady(work: Callable[[], object], device: torch.device) -> float:
    """Seconds of some work, after one time for warm-up: the fastest of a few, two at least, since all else here only slows it down."""
    timed(work, device)
    taken: list[float] = []
    while len(taken) < 2 or (sum(taken) < SECONDS and abs(taken[-1] - taken[-2]) > STEADY * taken[-1]):
        taken.append(timed(work, device))
    return min(taken)
