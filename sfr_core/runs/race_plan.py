"""What a race will do: the runs of several methods and seeds, each checked before the first begins. No torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sfr_core.configs import RunConfig
from sfr_core.data.datasets import Dataset
from sfr_core.errors import ConfigError, InputError, quoted
from sfr_core.plan import ForgetPlan, RunPlan, plan
from sfr_core.runs.race_record import FILE, Race
from sfr_core.zoo.cards import ModelCard

MOST = 500
"""Runs of one race."""


def entry_of(config: RunConfig) -> str:
    """The name of a run in its race."""
    return f"{config.method}-{config.seed}"


def configs_of(
    methods: Sequence[str], seeds: Sequence[int], config: Callable[[str, int], RunConfig]
) -> dict[str, RunConfig]:
    """A run for every method and seed, by entry: a round of all methods with one seed after the other, so that a race that is stopped
    early has something of every method.

    Raises:
        ConfigError: none, the same one twice, or too many. InputError: as `config`.
    """
    for what, given in (("method", methods), ("seed", seeds)):
        if not given:
            raise ConfigError(f"A race needs a {what}.", hint=f"Give one or more {what}s.")
        twice = next((one for one in given if list(given).count(one) > 1), None)
        if twice is not None:
            raise ConfigError(f"The {what} {quoted(twice)} is named twice.", hint=f"Name every {what} once.")
    if len(methods) * len(seeds) > MOST:
        raise ConfigError(f"A race has at most {MOST} runs.", hint="Name fewer methods or seeds.")
    found = [config(method, seed) for seed in seeds for method in methods]
    return {entry_of(one): one for one in found}


def plans_of(
    configs: Mapping[str, RunConfig], card: ModelCard, *, dataset: Dataset | None = None, files: bool = False
) -> dict[str, RunPlan]:
    """The runs of a race, planned; they share what is forgotten. Arguments and errors as for `plan`."""
    forget: ForgetPlan | None = None
    found: dict[str, RunPlan] = {}
    for entry, config in configs.items():
        found[entry] = planned = plan(config, card=card, dataset=dataset, forget=forget, files=files)
        forget = planned.forget
    return found


def check_same(begun: Race, plans: Mapping[str, RunPlan]) -> None:
    """Says whether a race that was begun is this one.

    Raises:
        InputError: it is another race; names the first difference.
    """
    wanted = {entry: run.config.to_json() for entry, run in plans.items()}
    if list(begun.plan) != list(wanted):
        why = "it has other methods or seeds"
    else:
        changed = [
            (entry, name)
            for entry, config in wanted.items()
            for name in {**config, **begun.plan[entry]}
            if config.get(name) != begun.plan[entry].get(name)
        ]
        if not changed:
            return
        entry, name = changed[0]
        why = f"{quoted(name)} of {quoted(entry)} differs"
    raise InputError(
        f"The {FILE} in this folder is of another race: {why}.", hint="Choose another folder, or ask for the same race."
    )
