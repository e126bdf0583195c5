"""The named public endpoints: what a script does with gradio_client, the page does with the same job book."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gradio as gr

from demos.context import TOKEN, new_token, say
from demos.jobs.book import Job, JobBook
from demos.jobs.races import RaceJob
from sfr_core import catalog, presets
from sfr_core.configs import MAX_SEED, RunConfig
from sfr_core.configs.run import whole
from sfr_core.errors import InputError, PlaygroundError, UnknownName, quoted
from sfr_core.events import to_json
from sfr_core.kinds import KINDS
from sfr_core.plan import RunPlan, plan
from sfr_core.runs.race_plan import plans_of
from sfr_core.zoo import shipped as zoo

EVENTS_PER_CALL = 500
RACE_FIELDS = ("model", "forget", "preset", "variant", "redirect", "data", "device", "precision", "memory")
"""That the runs of a race have in common."""
FIRST_METHOD = next(iter(KINDS.values())).default_method


def register(book: JobBook, address: Callable[[], str] = str) -> None:
    """Adds the endpoints to the Blocks that is being built; `address` is that of whoever is being answered."""

    def list_models() -> list[dict[str, Any]]:
        """Models with their data, sizes, licences, what they can forget (names of classes, or of a text-to-image model's
        concepts), and the forget sets for which a retrained model is shipped."""
        return [
            {
                "id": card.id,
                "title": card.title,
                "kind": card.kind,
                "dataset": card.dataset,
                "parameters": card.parameters,
                "licence": card.licence,
                "metrics": card.metrics,
                "forgets": list(zoo.open_dataset(card).class_names),
                "retrained": [reference.spec for reference in card.retrained if not reference.second],
            }
            for card in zoo.cards()
        ]

    def list_methods(kind: str = next(iter(KINDS))) -> list[dict[str, Any]]:
        """Methods for a kind of model (of `list_models`) with their presets and every setting."""
        try:
            table = catalog.of_kind(quoted(kind))
        except PlaygroundError as error:
            raise say(error) from None
        return [
            {
                "id": spec.id,
                "title": spec.title,
                "summary": spec.summary,
                "paper": spec.paper,
                "presets": list(presets.preset_names("", spec.id, kind=kind)),
                "settings": [
                    {"name": s.name, "kind": s.kind, "default": s.default, "low": s.low, "high": s.high, "help": s.help}
                    for s in spec.config_cls.settings()
                ],
            }
            for spec in table.values()
        ]

    def submit_run(config: dict[str, Any], visitor: str = "") -> dict[str, str]:
        """Queues a run. `config` is a RunConfig as JSON; `settings` may be partial (the preset fills the rest)."""
        try:
            run = plan(read_config(config))
            owner = visitor if isinstance(visitor, str) and TOKEN.fullmatch(visitor) else new_token()
            return {"job": book.submit(owner, run, address()).id, "visitor": owner}
        except PlaygroundError as error:
            raise say(error) from None

    def run_events(job: str, visitor: str, start: int = 0) -> dict[str, Any]:
        """State, place in the queue and the events from number `start` on, at most 500 at a time."""
        found = _owned(book, visitor, job)
        if type(start) is not int or not 0 <= start <= MAX_SEED:
            raise say(
                InputError(
                    "The number of the first event must be a whole one from 0 on.",
                    hint="Give the last answer's 'next'.",
                )
            )
        state = found.state  # before the log, so that an ended state never hides events
        events = found.log[start : start + EVENTS_PER_CALL]
        return {
            "state": state,
            "place": book.place(job),
            "events": [to_json(event) for event in events],
            "next": start + len(events),
            "error": found.error,
        }

    def result(job: str, visitor: str) -> dict[str, Any] | None:
        """result.json of a finished run, null before."""
        found = _owned(book, visitor, job)
        return None if found.result is None else found.result.to_json()

    def stop_run(job: str, visitor: str) -> str:
        """Asks a run to stop; answers with its state."""
        found = _owned(book, visitor, job)
        book.stop(found.id)
        return found.state

    def submit_race(config: dict[str, Any], methods: list[str], seeds: list[int], visitor: str = "") -> dict[str, str]:
        """Queues a race: each method with each seed from the same weights, one run after the other. `config` as for submit_run without
        `method`, `seed` and `settings`; the preset decides those."""
        try:
            plans = read_race(config, methods, seeds)
            owner = visitor if isinstance(visitor, str) and TOKEN.fullmatch(visitor) else new_token()
            return {"race": book.races.submit(owner, plans, address()).id, "visitor": owner}
        except PlaygroundError as error:
            raise say(error) from None

    def race(race: str, visitor: str) -> dict[str, Any]:
        """State of a race, the jobs of its runs that began (for `run_events` and `result`) and race.json with the rows so far."""
        found = _owned_race(book, visitor, race)
        return {"state": found.state, "jobs": dict(found.jobs), "record": found.record().to_json()}

    def stop_race(race: str, visitor: str) -> str:
        """Asks a race to stop; what its runs reached is kept. Answers with its state."""
        found = _owned_race(book, visitor, race)
        book.races.stop(found)
        return found.state

    runs = (list_models, list_methods, submit_run, run_events, result, stop_run)
    for endpoint in (*runs, submit_race, race, stop_race):
        gr.events.api(endpoint, api_name=endpoint.__name__, queue=False)


def read_config(data: Any) -> RunConfig:
    """A RunConfig from JSON whose settings may be partial.

    Raises:
        InputError: a field is unknown, of the wrong type or out of range.
    """
    if not isinstance(data, dict):
        raise InputError("The config is not a table of fields.", hint="Give it as JSON, as in config.json.")
    config = RunConfig.from_json({"settings": {}, "method": FIRST_METHOD, **data})
    settings = presets.resolve(
        config.model,
        config.method,
        config.preset,
        config.variant,
        config.settings,
        forget=config.forget,
        kind=zoo.card(config.model).kind,
    )
    return replace(config, settings=settings)


def read_race(config: Any, methods: Any, seeds: Any) -> dict[str, RunPlan]:
    """The runs of a race from JSON.

    Raises:
        InputError: a field, method or seed that makes no sense.
    """
    if not isinstance(config, dict) or not all(type(value) is str for value in config.values()):
        raise InputError("The config is not a table of names.", hint="Give model, forget and perhaps preset as texts.")
    if unknown := next((name for name in config if name not in RACE_FIELDS), None):
        raise UnknownName("field", str(unknown), RACE_FIELDS)
    if lacking := next((name for name in RACE_FIELDS[:2] if name not in config), None):
        raise InputError(f"The config lacks '{lacking}'.", hint="Give at least model and forget.")
    if not isinstance(methods, list) or not all(isinstance(method, str) for method in methods):
        raise InputError("The methods are not a list of names.", hint="See list_methods.")
    if not isinstance(seeds, list):
        raise InputError("The seeds are not a list of numbers.", hint="Give for example [0, 1, 2].")
    return plans_of(config, methods, [whole("seed", seed) for seed in seeds], zoo.card(config["model"]))


def _owned_race(book: JobBook, visitor: Any, race_id: Any) -> RaceJob:
    known = isinstance(visitor, str) and isinstance(race_id, str)
    race = book.races.owned(visitor, race_id) if known else None
    if race is None:
        raise say(
            InputError("This race is not known here.", hint="Give the race and the visitor that submit_race answered.")
        )
    book.races.touch(race)
    return race


def _owned(book: JobBook, visitor: Any, job_id: Any) -> Job:
    known = isinstance(visitor, str) and isinstance(job_id, str)
    job = book.owned(visitor, job_id) if known else None
    if job is None:
        raise say(
            InputError("This run is not known here.", hint="Give the job and the visitor that submit_run answered.")
        )
    book.touch(job.id)
    return job
