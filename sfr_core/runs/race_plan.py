"""What a race will do: the runs of several methods and seeds, each checked before the first begins. No torch."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from sfr_core.asked import config_of
from sfr_core.configs import RunConfig
from sfr_core.data.datasets import Dataset
from sfr_core.errors import ConfigError, InputError, quoted
from sfr_core.plan import ForgetPlan, RunPlan, plan
from sfr_core.runs.race_record import FILE, Race
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.shipped import shareable

MOST = 500
"""Runs of one race."""


def entry_of(config: RunConfig) -> str:
    """The name of a run in its race."""
    return f"{config.method}-{config.seed}"


def plans_of(
    wanted: Mapping[str, Any],
    methods: Sequence[str],
    seeds: Sequence[int],
    card: ModelCard,
    *,
    dataset: Dataset | None = None,
    files: bool = False,
) -> dict[str, RunPlan]:
    """A run for every method and seed, by entry: first all methods with the first seed, then with the next, so that a race that is
    stopped early has something of every method. They share what is forgotten.

    Args:
        wanted: fields of a RunConfig as for asked.config_of, without method and seed; the preset decides the settings.
        card: the model. dataset, files: as for `plan`.

    Raises:
        ConfigError: no method or seed, the same one twice, or too many. InputError: as asked.config_of and `plan`.
    """
    for what, given in (("method", methods), ("seed", seeds)):
        if not given:
            raise ConfigError(f"A race needs a {what}.", hint=f"Give one or more {what}s.")
        twice = next((one for one in given if list(given).count(one) > 1), None)
        if twice is not None:
            raise ConfigError(f"The {what} {quoted(twice)} is named twice.", hint=f"Name every {what} once.")
    if len(methods) * len(seeds) > MOST:
        raise ConfigError(f"A race has at most {MOST} runs.", hint="Name fewer methods or seeds.")
    forget: ForgetPlan | None = None
    found: dict[str, RunPlan] = {}
    for seed in seeds:
        for method in methods:
            config = config_of({**wanted, "model": card.id, "method": method, "seed": str(seed)}, [], card.kind)
            found[entry_of(config)] = one = plan(config, card=card, dataset=dataset, forget=forget, files=files)
            forget = one.forget
    return found


def command_of(configs: Sequence[RunConfig]) -> str:
    """The command that makes a race of these runs again, without folders of this machine."""
    first = configs[0]
    words = {
        "model": shareable(first.model),
        "forget": first.forget,
        "redirect": first.redirect,
        "methods": ",".join(dict.fromkeys(config.method for config in configs)),
        "seeds": ",".join(dict.fromkeys(str(config.seed) for config in configs)),
        "preset": first.preset,
    }
    usual = {"variant": "official", "device": "auto", "precision": "auto", "memory": "plain"}
    words |= {name: getattr(first, name) for name, value in usual.items() if getattr(first, name) != value}
    said = [part for name, value in words.items() if value for part in (f"--{name}", value)]
    return shlex.join(
        ["python", "-m", "sfr_core", "race", *said, *(["--data-free"] if first.data == "data-free" else [])]
    )


def check_same(begun: Race, plans: Mapping[str, RunPlan], reference: str = "") -> None:
    """Says whether a race that was begun is this one; `reference` is of the retrained model of one's own (Race).

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
        if not changed and begun.reference == reference:
            return
        entry, name = changed[0] if changed else ("the race", "retrained")
        why = f"{quoted(name)} of {quoted(entry)} differs"
    raise InputError(
        f"The {FILE} in this folder is of another race: {why}.", hint="Choose another folder, or ask for the same race."
    )
