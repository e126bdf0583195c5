"""A race on the tab: what a visitor asks for, what it will take, and its table as its runs end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from demos.api import read_race
from demos.compare.recorded import thing_of
from demos.compare.table import Json, table
from demos.context import QUEUED, PageContext
from demos.guard import unforeseen
from demos.jobs.book import Job
from demos.jobs.estimate import expect_race
from demos.jobs.races import RaceJob
from demos.live.feed import GONE, Feed
from demos.live.race_feed import RaceFeed
from demos.text import compare as texts
from demos.text import unlearn as page_texts
from demos.unlearn.options import data_of
from sfr_core.catalog import able
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.plan import RunPlan
from sfr_core.presets import default_method
from sfr_core.runs.race_record import RaceRow
from sfr_core.zoo.shipped import card

LEAST, MOST = 2, 6
"""Methods of a race on the page."""
SEEDS = 3
"""Seeds at most."""


def offer(model: str, rows: tuple[RaceRow, ...]) -> Json:
    """What can be raced on a model: its methods, and what was forgotten in the recorded table, which has retrained models where there are any."""
    methods = able(card(model).kind)
    first = default_method(model)
    order = sorted(methods, key=lambda name: (name != first, name == RETRAIN))
    return {
        "forget": [[forget, thing_of(forget)] for forget in dict.fromkeys(row.forget for row in rows)],
        "methods": [[name, methods[name].title] for name in order],
    }


def plans(data: Any) -> dict[str, RunPlan]:
    """The runs that somebody asks for.

    Raises:
        InputError: too few or too many methods, or something that makes no sense.
    """
    asked = data if isinstance(data, Mapping) else {}
    methods, seeds = asked.get("methods"), asked.get("seeds")
    if not isinstance(methods, list) or not LEAST <= len(methods) <= MOST:
        raise InputError(texts.HOW_MANY.format(least=LEAST, most=MOST), hint=texts.HOW_MANY_HINT)
    if not isinstance(seeds, int) or isinstance(seeds, bool) or not 1 <= seeds <= SEEDS:
        raise InputError(texts.HOW_MANY_SEEDS.format(most=SEEDS), hint=texts.HOW_MANY_SEEDS_HINT)
    config = {name: asked[name] for name in ("model", "forget") if name in asked}
    if isinstance(config.get("model"), str):
        config["data"] = data_of(config["model"], "shipped")
    return read_race(config, methods, list(range(seeds)))


def race_table(race: RaceJob) -> Json:
    """The table of the runs that have ended."""
    rows = [race.rows[entry] for entry in race.plans if entry in race.rows]
    first = next(iter(race.plans.values())).config
    title = texts.RACE_TABLE.format(model=card(first.model).title, what=thing_of(first.forget))
    return {"key": "", **table(title, rows, default_method(first.model))}


def asked_of(race: RaceJob) -> Json:
    """What the form held when it was begun."""
    configs = [plan.config for plan in race.plans.values()]
    methods = list(dict.fromkeys(config.method for config in configs))
    seeds = len({config.seed for config in configs})
    return {"model": configs[0].model, "forget": configs[0].forget, "methods": methods, "seeds": seeds}


class LiveRaces:
    """The races of the page's visitors, as their browsers follow them."""

    def __init__(self, ctx: PageContext) -> None:
        self.ctx, self.feed = ctx, RaceFeed(ctx.book, Feed(ctx.book))

    def expect(self, data: Any = None) -> dict[str, str]:
        """How long a race will take, or why it cannot be; asked by the browser whenever the choice changes."""
        try:
            wanted = plans(data)
        except PlaygroundError as error:
            return {"error": str(error)}
        times = expect_race(list(wanted.values()))
        if times is None:
            return {"words": texts.EXPECT_UNKNOWN.format(n=len(wanted))}
        about = page_texts.about(sum(each.seconds for each in times))
        return {"words": texts.EXPECT.format(n=len(wanted), time=about)}

    async def poll(self, have: Any = None) -> dict[str, Any]:
        """What a browser does not know yet; with the table where a run has ended. On the event loop, because it takes about a millisecond."""
        try:
            answer = self.feed.read(have)
            race = self.feed.followed(have)
            if answer.get("rows") and race is not None:
                answer["table"] = race_table(race)
            return answer
        except Exception as error:  # no event, so the guard of the page's events does not see it
            unforeseen(error)
            return GONE

    def value(self, race: RaceJob) -> Json:
        """Everything that a browser shows of a race."""
        return {"race": {**self.feed.attach(race), "table": race_table(race)}}

    def lost(self, browser: Any) -> Json:
        """What is shown where there is no race: a sentence and what was asked for, if one went with another process of the server."""
        asked = self.ctx.lost_race(browser)
        return {"race": None} if asked is None else {"race": None, "error": texts.RACE_LOST, "asked": dict(asked)}

    def wire(self, view: gr.HTML) -> None:
        """Answers what the browser asks for (static/race.js): a race, its end, the last one, or the result of a run."""
        ctx, shown = self.ctx, [view, self.ctx.browser, self.ctx.job]

        def act(browser: Any, event: gr.EventData) -> tuple[Any, ...]:
            data = event._data if isinstance(event._data, Mapping) else {}
            visitor, skip = ctx.visitor(browser), (gr.skip(), gr.skip())
            try:
                if data.get("ask") == "open":
                    return (gr.skip(), *ctx.show(browser, self._job(visitor, data.get("entry"))))
                if data.get("ask") == "begin":
                    if not visitor:
                        raise InputError(page_texts.NOT_LOADED)
                    race = ctx.book.races.submit(visitor, plans(data), ctx.address())
                    return (self.value(race), ctx.with_race(browser, asked_of(race)), gr.skip())
                found = ctx.book.races.last(visitor)
                if data.get("ask") == "stop" and found is not None:
                    ctx.book.races.stop(found)
                return (self.value(found) if found is not None else self.lost(browser), *skip)
            except PlaygroundError as error:
                return ({"error": str(error)}, *skip)

        view.submit(act, ctx.browser, shown, **QUEUED)

    def _job(self, visitor: str, entry: Any) -> Job:
        race = self.ctx.book.races.last(visitor)
        job = (
            None
            if race is None
            else self.ctx.book.owned(visitor, race.jobs.get(entry, "") if isinstance(entry, str) else "")
        )
        if job is None:
            raise InputError(texts.RUN_GONE, hint=texts.RUN_GONE_HINT)
        return job
