"""Runs that are compared at equal time: what a method takes without looks and records, and how many steps fit into a time.

Equal time is equal CPU time, as the machine is shared: a trial tells what a step costs (the first one is left out: it also warms
up), and a method gets as many as fit into what SFR-on took on the same thing and seed, its mask included. What a method needs only
once for a model (Selective Amnesia's Fisher) is measured beside it and not subtracted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from sfr_core.cancel import CancelToken
from sfr_core.events import MaskReady, PhaseStarted, Step
from sfr_core.runs.session import Session

TRIAL_STEPS = 4
"""Of the trial that tells what a step costs."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a bare run took: `step_cpu_seconds` for all steps but the first, `once_cpu_seconds` for what a model needs only once."""

    steps: int
    seconds: float
    cpu_seconds: float
    step_cpu_seconds: float
    once_cpu_seconds: float
    mask_density: float | None


def cost(trial: Measured, steps: int) -> float:
    """CPU seconds of a run of `steps`, by a trial of two or more; what a model needs only once does not count."""
    each = trial.step_cpu_seconds / (trial.steps - 1)
    return trial.cpu_seconds - trial.step_cpu_seconds - trial.once_cpu_seconds + (steps - 1) * each


def steps_for(budget: float, measured: Measured) -> int:
    """Steps that fit into `budget` CPU seconds, at least one, where `measured` had two or more.

    What the trial did before and in its first step (a mask, warming up) counts once, what a model needs once does not.
    """
    first = cost(measured, 1)
    return 1 + max(0, round((budget - first) / (cost(measured, 2) - first)))


def bare_run(session: Session) -> Measured:
    """The session's method without looks and records, as the runner starts it: same seed, same weights."""
    density, steps, step_cpu, once_cpu = None, 0, 0.0, 0.0
    once = session.config.method == "selective-amnesia"
    phase = ""
    with torch.random.fork_rng():
        torch.manual_seed(session.config.seed)
        rng = torch.Generator().manual_seed(session.config.seed)
        wall, cpu = time.perf_counter(), time.process_time()
        last = cpu
        for event in session.method.run(session.task, session.method_config, rng=rng, cancel=CancelToken()):
            now = time.process_time()
            if once and phase == "fisher":
                once_cpu += now - last
            if isinstance(event, PhaseStarted):
                phase = event.phase
            elif isinstance(event, MaskReady):
                density = event.density
            elif isinstance(event, Step):
                step_cpu += now - last if steps else 0.0
                steps = event.i
            last = now
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(steps, seconds, cpu_seconds, step_cpu, once_cpu, density)
