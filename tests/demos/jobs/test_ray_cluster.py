"""Runs on a Ray cluster of two workers on this machine: side by side, stopped, with a worker that is lost, and the same as here."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch

from demos.jobs.book import JobBook
from demos.jobs.job import Job
from sfr_core import presets
from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.events import Step
from sfr_core.plan import plan
from sfr_core.runs import runner
from sfr_core.runs.session import Session
from sfr_core.zoo import shipped as zoo

ray = pytest.importorskip("ray", reason="Ray is not installed (pip install ray)")
pytestmark = pytest.mark.timeout(300)
MODEL, VISITOR = "fashion-mnist-resnet", "1" * 32
ROOT = Path(__file__).resolve().parents[3]


def config(steps: int) -> RunConfig:
    settings = presets.resolve(MODEL, "sfr-on", overrides={"steps": steps, "fisher_batches": 1, "batch_size": 8})
    return RunConfig(
        model=MODEL, forget="samples:3,17", method="sfr-on", settings=settings, device="cpu", precision="fp32"
    )


def few_pictures() -> None:
    """The first pictures of each set will do, in this process and in every worker."""
    data = zoo.open_dataset(zoo.card(MODEL))
    parts = {"train": data.train, "test": data.test}
    first = {name: replace(p, images=p.images[:400], labels=p.labels[:400]) for name, p in parts.items()}
    few = replace(data, **first)
    zoo._shipped_pictures = lambda _: few  # type: ignore[assignment]


@pytest.fixture(scope="module")
def book() -> Iterator[JobBook]:
    from ray import cloudpickle

    from demos.jobs.ray_cluster import Cluster

    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import this file
    env = {"PYTHONPATH": str(ROOT), "UNLEARNING_CACHE": "off"}
    runtime = {"env_vars": env, "worker_process_setup_hook": few_pictures}
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=runtime)
    whole = zoo._shipped_pictures
    few_pictures()
    cluster = Cluster("auto", cores=1, deadline=250.0)
    assert cluster.workers == 2
    yield JobBook(cluster.run, workers=cluster.workers, elsewhere=cluster.computes)
    zoo._shipped_pictures = whole
    ray.shutdown()


def until(what: Callable[[], Any], seconds: float = 120.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def kill_workers() -> None:
    """As when their machines break: also the idle one."""
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [""])[0].startswith("ray::Worker"):
            process.kill()


def stepping(job: Job) -> bool:
    assert job.state in ("queued", "running"), job.error
    return any(isinstance(event, Step) for event in job.log)


def test_runs_compute_side_by_side_end_when_they_are_stopped_or_their_worker_is_lost_and_the_next_one_runs(
    book: JobBook,
) -> None:
    long = [book.submit(VISITOR, plan(config(20_000))) for _ in range(2)]
    until(lambda: all(stepping(job) for job in long))
    assert [job.state for job in long] == ["running", "running"]

    book.stop(long[0].id)
    told = sum(isinstance(event, Step) for event in long[0].log)
    until(lambda: not long[0].active)
    assert long[0].state == "cancelled"
    # What was on its way, and one step more.
    assert sum(isinstance(event, Step) for event in long[0].log) - told < 200
    assert long[0].session.changed_tensors()  # kept, to be looked at or rolled back

    kill_workers()
    until(lambda: not long[1].active)
    assert (long[1].state, long[1].error) == (
        "failed",
        "The worker that computed this run was lost. Start the run again.",
    )

    short = book.submit(VISITOR, plan(config(2)))
    until(lambda: not short.active)
    assert short.state == "finished", short.error
    assert short.result is not None

    here = Session.of_plan(plan(config(2)))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for _ in runner.run(here, cancel=CancelToken()):
            pass
    finally:
        torch.set_num_threads(threads)
    there = short.session.changed_tensors()
    assert there.keys() == here.changed_tensors().keys()
    assert all(torch.equal(there[name], value) for name, value in here.changed_tensors().items())
    assert here.result is not None
    assert short.result.after == here.result.after
