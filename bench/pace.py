"""What a step of each method costs on this machine's CPU, and how many steps of a method fit into the time of another one.

    python -m bench.pace MODEL FORGET [METHOD ...]      # for example: emoji-dit flags; default: all baselines

Equal time is equal CPU time, as the machine is shared: a trial tells what a step costs (the first one is left out: it also warms
up), and a method gets as many as fit into what SFR-on redirected took on the same thing and seed, its mask included. What a method needs only
once for a model (Selective Amnesia's Fisher) is measured beside it and not subtracted.

Where several runs share a GPU, no clock there tells what a method takes; so this command keeps the trials of a CPU in
bench/results/pace.json, and with --device cuda bench.generators gives each method the steps that fit into that time.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from bench.cells import FOLDER, REFERENCE, Place, load, machine, settings_of, updating
from recipes.command import one_sentence, parser_of
from sfr_core.cancel import CancelToken
from sfr_core.configs import DataSource, Device, Precision, RunConfig
from sfr_core.data.splits import forget_spec
from sfr_core.errors import InputError
from sfr_core.events import MaskReady, PhaseStarted, Step
from sfr_core.ops.stepwise import drained
from sfr_core.runs.evaluate import pictures_key
from sfr_core.runs.session import Session
from sfr_core.tasks.diffusion import DiffusionTask
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.shipped import card

RESULTS = FOLDER / "pace.json"
RIVALS = {
    "ddpm": ("sfr-on", "selective-amnesia", "salun", "joint", "gradient-ascent", "finetune"),
    "dit": ("sfr-on", "salun", "selective-amnesia", "joint", "gradient-ascent", "finetune"),
    "text-to-image": ("sfr-on", "esd-x", "esd-u", "salun", "uce", "rece", "speed", "concept-ablation"),
}
"""What SFR-on redirected is compared with on a kind of model."""
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


def open_session(
    model: ModelCard, place: Place, settings: dict[str, Any], precision: Precision = "auto", device: Device = "cpu",
    drawn: dict[str, Tensor] | None = None,
) -> Session:  # fmt: skip
    """The session of a cell, in the precision of the page's runs where nothing else is said, its own pictures drawn.

    Args:
        drawn: pictures that earlier sessions drew, by all that they follow from: what is in it is not drawn again, what is not is put there.
    """
    config = RunConfig(
        model=model.id, forget=forget_spec(model.kind, place.forget), method=place.method, settings=settings,
        seed=place.seed, device=device, precision=precision, data=place.data,
    )  # fmt: skip
    session = Session.open(config, model)
    task, key = session.task, pictures_key(session.task, session)
    if drawn is None or key is None or not isinstance(task, DiffusionTask):
        drained(task.prepare())
        return session
    if key.text() in drawn:
        task.store.take(drawn[key.text()])
    drained(task.prepare())
    drawn[key.text()] = task.store.held
    return session


def data_of(kind: str) -> DataSource:
    """Where a run's pictures come from by default: latent models ship none."""
    return "data-free" if kind in ("dit", "text-to-image") else "shipped"


def equal_steps(model: str, method: str, settings: dict[str, Any], ours: dict[str, Any]) -> tuple[int, float]:
    """Steps of `method` that cost what REFERENCE's run with the settings `ours` does, and that cost in CPU seconds.

    Raises:
        InputError: one of the two was not measured here with these settings (their number of steps aside).
    """
    found = load(RESULTS, {}).get(model, {})
    trials = []
    for who, wanted in ((REFERENCE, ours), (method, settings)):
        row = found.get(who)
        if row is None or {**row["settings"], "steps": 0} != {**wanted, "steps": 0}:
            raise InputError(
                f"What a step of {who} costs on {model} is not known for these settings.",
                hint=f"Measure it: python -m bench.pace {model} NAME {who}",
            )
        trials.append(Measured(**{name: row[name] for name in Measured.__dataclass_fields__}))
    budget = cost(trials[0], int(ours["steps"]))
    return steps_for(budget, trials[1]), budget


def main(argv: Sequence[str] | None = None) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("model")
    parser.add_argument("forget", metavar="FORGET", help="a class or a concept")
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="beside SFR-on redirected")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)  # threads that wait for each other would count
    with one_sentence():
        model = card(args.model)
        for method in (REFERENCE, *(args.methods or RIVALS[model.kind])):
            place = Place(args.forget, 0, method, data=data_of(model.kind))
            settings = settings_of(model, place)
            if "steps" not in settings:
                continue  # in closed form: it takes what it takes
            took = bare_run(open_session(model, place, {**settings, "steps": TRIAL_STEPS}))
            row = {"forget": place.forget, "settings": settings, **asdict(took), "machine": machine()}
            with updating(RESULTS, {}) as every:
                every.setdefault(model.id, {})[method] = row
            print(f"{method}: {took.step_cpu_seconds / (TRIAL_STEPS - 1):.2f} CPU seconds a step", flush=True)


if __name__ == "__main__":
    main()
