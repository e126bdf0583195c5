"""The backend on a Ray cluster (PLAYGROUND_RAY=auto or an address; `pip install ray`): several runs at a time, each in a worker.

A worker is one Ray actor, a process on some machine of the cluster that keeps torch loaded from run to run (demos/jobs/remote.py). Events
are streamed back; Stop and the deadline reach a worker between two steps. Where a worker is lost, its run fails with a sentence and another
one takes its place. Every machine of the cluster needs this program's packages; its code and models are sent by Ray.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError

from demos.jobs.job import Job
from demos.jobs.local import run_here
from demos.jobs.remote import Message, Sent, opened_here, run_alone, take_up
from demos.text import live as live_texts
from demos.text import server as texts
from sfr_core.cancel import CancelToken
from sfr_core.errors import InputError, PlaygroundError, quoted
from sfr_core.events import Event
from sfr_core.plan import RunPlan

LOG = logging.getLogger(__name__)
AUTO = "auto"
ROOT = Path(__file__).resolve().parents[2]
LOOK = 0.1
"""Seconds between two looks whether somebody pressed Stop."""
NOT_SENT = (".git", ".venv", "node_modules", "runs", ".work", "bench", "docs", "tests", "artifacts")
"""What no worker needs; Ray refuses a folder of more than 500 MB."""


class WorkerLost(PlaygroundError):
    """The process or machine that computed a run is gone."""


class Worker:
    """Makes one run after another; `stop` is answered meanwhile."""

    def __init__(self) -> None:
        self._cancel = CancelToken()

    def begin(self, seconds: float) -> None:
        """Before every run: its deadline."""
        self._cancel = CancelToken(seconds)

    def run(self, run: RunPlan, retrained: Sent | None) -> Iterator[Message]:
        """See `run_alone`."""
        yield from run_alone(run, retrained, self._cancel)

    def stop(self) -> None:
        """Ends the present run at its next check."""
        self._cancel.cancel()


_ACTOR: Any = ray.remote(max_concurrency=2)(Worker)


class Cluster:
    """The workers of a Ray cluster.

    Args:
        address: of the cluster; "auto" joins one that runs on this machine, or starts one here.
        cores: CPU cores of a worker, by which torch's threads are set and so the last bits of its runs.
        deadline: longest run, seconds.

    Attributes:
        workers: how many runs it makes at a time.

    Raises:
        InputError: it cannot be reached.
    """

    def __init__(self, address: str, *, cores: int = 2, deadline: float) -> None:
        self._join(address)
        found = ray.cluster_resources()
        self._gpus = 1 if found.get("GPU", 0) >= 1 else 0
        self._cores, self._deadline = min(cores, max(1, int(found.get("CPU", 1)))), deadline
        self.workers = max(1, int(found["GPU"] if self._gpus else found.get("CPU", 1) // self._cores))
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(self.workers):
            self._idle.put(None)  # made when it is first needed

    @staticmethod
    def _join(address: str) -> None:
        if ray.is_initialized():
            return
        here = {"env_vars": {"PYTHONPATH": str(ROOT)}}
        sent = {"working_dir": str(ROOT), "excludes": [f"/{name}" for name in NOT_SENT]}
        if address != AUTO:
            try:
                ray.init(address, runtime_env=sent, log_to_driver=False)
            except (ConnectionError, ValueError, RuntimeError) as error:
                LOG.error("no Ray cluster", exc_info=error)
                raise InputError(texts.NO_CLUSTER.format(address=quoted(address)), hint=texts.NO_CLUSTER_HINT) from None
            return
        try:
            ray.init(AUTO, runtime_env=sent, log_to_driver=False)
        except ConnectionError:
            ray.init("local", runtime_env=here, log_to_driver=False, include_dashboard=False)

    def computes(self, job: Job) -> bool:
        """Whether a worker can make this run: what a visitor uploaded or fetched lies on this machine alone."""
        return job.plan.card.source == "bundled"

    def run(self, job: Job) -> Iterator[Event]:
        """The backend (see demos.jobs.job.Backend)."""
        if not self.computes(job):
            yield from run_here(job)
            return
        sent = opened_here(job)
        worker = self._idle.get()
        try:
            worker = self._ready(worker)
            yield from self._relayed(job, worker, sent)
        except RayActorError:
            worker = None
            raise WorkerLost(live_texts.WORKER_LOST, hint=live_texts.WORKER_LOST_HINT) from None
        except RayTaskError as error:
            raise error.cause from None
        finally:
            self._idle.put(worker)

    def _ready(self, worker: Any) -> Any:
        """A worker that has begun: this one, or a new one where there is none or it was lost since its last run."""
        if worker is not None:
            with suppress(RayActorError):
                ray.get(worker.begin.remote(self._deadline))
                return worker
        worker = _ACTOR.options(num_cpus=self._cores, num_gpus=self._gpus).remote()
        ray.get(worker.begin.remote(self._deadline))
        return worker

    def _relayed(self, job: Job, worker: Any, sent: Sent | None) -> Iterator[Event]:
        messages = worker.run.options(num_returns="streaming").remote(job.plan, sent)
        stopped = False
        while True:
            ready, _ = ray.wait([messages], timeout=LOOK)
            if job.cancel.cancelled and not stopped and not job.cancel.timed_out:  # the worker counts that time itself
                stopped = True
                worker.stop.remote()
            if not ready:
                continue
            try:
                message: Message = ray.get(next(messages))
            except StopIteration:
                return
            event = take_up(job, message)
            if event is not None:
                yield event
