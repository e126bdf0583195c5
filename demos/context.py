"""What every tab shares: the job book, who the visitor is, and which job the page shows."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from typing import Any

import gradio as gr

from demos.jobs.book import Job, JobBook
from demos.text import unlearn as copy
from sfr_core.configs import RunConfig
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.plan import RunPlan, plan
from sfr_core.zoo.shipped import OWN

TOKEN = re.compile(r"[0-9a-f]{32}")
PRIVATE: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "show_progress_on": []}
"""Options of every handler: no name in the API, and progress is shown by the page itself.

On nothing: at each change of an event's state Gradio (6.31) copies all properties of every component that ever showed progress, though
it is hidden; at the start of the page this was a third of the work."""
QUICK: dict[str, Any] = {**PRIVATE, "queue": False}
"""Looking never waits: these handlers compute nothing and bypass the queue."""
LAST: dict[str, Any] = {**QUICK, "trigger_mode": "always_last"}
"""Looking where the last of several quick choices must win; without it Gradio drops what is chosen while an answer is under way. It
(6.31) then says the component's first event again, to all that listen to it: those must not mind."""
QUEUED: dict[str, Any] = {**PRIVATE, "concurrency_limit": None}
"""Handlers that may refuse or that set `PageContext.job`: Gradio shows the sentence of an error, and tells the browser of a changed
gr.State, only through the queue (measured, gradio 6.31). No limit, so no waiting."""
LARGEST_OFFSET = 14 * 60
"""Minutes by which a clock on earth is ahead of UTC at most."""
STORAGE_KEY = "unlearning-playground"
STORAGE_SECRET = "unlearning-playground-1"


@dataclass(frozen=True, slots=True)
class Lost:
    """A run that the browser remembers and this server does not know.

    Attributes:
        config: what it was asked for; None where the browser does not tell.
        restarted: it was another process of the server that made it.
    """

    config: RunConfig | None
    restarted: bool


@dataclass(frozen=True, slots=True)
class PageContext:
    """Made once by app_builder and given to every `build(ctx)`.

    Attributes:
        book: all jobs of the process.
        browser: kept in the visitor's browser over reloads: ``{"visitor": token, "job": id or "", "clock": minutes ahead of UTC}``, of a job
            also its "config" and the "server", and of a race started here its "race". Use it as input and ask `job_of`, `lost`,
            `lost_race` and `zone`; only app_builder, `show` and `with_race` make what is written to it.
        job: id of the job that this page shows, "" for none. Whoever sets it (as an output, with the value of `show`)
            makes the Unlearn tab attach to that job; its `.change` event tells other tabs.
        address: of the visitor whose request is being answered.
        server: names this process, so that a browser notices another one.
        panels: what visitors have under way in panels, by panel: panels are drawn anew for each run (`compare.Result`).
    """

    book: JobBook
    browser: gr.BrowserState
    job: gr.State
    address: Callable[[], str] = str
    panels: dict[str, Any] = field(default_factory=dict)
    server: str = field(default_factory=lambda: new_token())

    def visitor(self, browser: Any) -> str:
        """The visitor's token, "" where the browser sent none or something else."""
        value = browser.get("visitor") if isinstance(browser, Mapping) else None
        return value if isinstance(value, str) and TOKEN.fullmatch(value) else ""

    def job_of(self, browser: Any, job_id: Any) -> Job | None:
        """The job if this visitor owns it (and marks it as seen); None otherwise."""
        job = self.book.owned(self.visitor(browser), job_id) if isinstance(job_id, str) else None
        if job is not None:
            self.book.touch(job.id)
        return job

    def last_job(self, browser: Any) -> Job | None:
        """The run that the page showed last, as this browser remembers it; None where there is none (any more)."""
        return self.job_of(browser, browser.get("job") if isinstance(browser, Mapping) else None)

    def lost(self, browser: Any) -> Lost | None:
        """The run that this browser remembers, where nothing is known of it here."""
        remembered = browser.get("job") if isinstance(browser, Mapping) else None
        if not isinstance(remembered, str) or not remembered or self.book.get(remembered) is not None:
            return None
        config: RunConfig | None = None
        with suppress(PlaygroundError):
            config = RunConfig.from_json(browser.get("config"))
        return Lost(config, restarted=browser.get("server") != self.server)

    def submit(self, browser: Any, run: RunPlan | RunConfig) -> Job:
        """Queues a run of this visitor, planned first where it is not yet.

        Raises:
            gr.Error: with the sentence and the hint for the page.
        """
        visitor = self.visitor(browser)
        if not visitor:
            raise say(InputError(copy.NOT_LOADED))
        try:
            return self.book.submit(visitor, plan(run) if isinstance(run, RunConfig) else run, self.address())
        except PlaygroundError as error:
            raise say(error) from None

    def with_race(self, browser: Any, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The value for the output `ctx.browser` that makes the browser remember what was asked of a race begun here; all else stays."""
        known = dict(browser) if isinstance(browser, Mapping) else {}
        remembered = {"server": self.server, "asked": dict(asked)}
        return {**known, "visitor": self.visitor(browser) or new_token(), "race": remembered}

    def lost_race(self, browser: Any) -> Mapping[str, Any] | None:
        """What was asked of the race that this browser remembers, where another process of the server made it; None where nothing is lost so."""
        remembered = browser.get("race") if isinstance(browser, Mapping) else None
        if not isinstance(remembered, Mapping) or remembered.get("server") == self.server:
            return None
        asked = remembered.get("asked")
        return asked if isinstance(asked, Mapping) else None

    def show(self, browser: Any, job: Job | None, lost: Lost | None = None) -> tuple[dict[str, Any], str]:
        """Values for the outputs (`ctx.browser`, `ctx.job`) that make the page show `job`.

        Args:
            lost: a run that went with another process of the server stays remembered, until the visitor starts or resets something:
                Gradio's page loads by itself when a server comes back, at times twice, and what was said before is gone then.
        """
        job_id = job.id if job is not None else ""
        known: dict[str, Any] = {"visitor": self.visitor(browser) or new_token(), "job": job_id}
        if job is not None:
            # Under an identifier of a visitor's own nothing is found any more in another process.
            own = job.config.model.startswith(OWN)
            known |= {"server": self.server, "config": None if own else job.config.to_json()}
        elif lost is not None and lost.restarted:
            known |= {name: browser[name] for name in ("job", "server", "config") if name in browser}
        zone = self.zone(browser)
        if zone is not None:
            known["clock"] = browser["clock"]
        race = browser.get("race") if isinstance(browser, Mapping) else None
        if isinstance(race, Mapping):
            known["race"] = race
        return known, job_id

    def zone(self, browser: Any) -> timezone | None:
        """The time zone of the visitor's clock; None where the browser did not tell."""
        ahead = browser.get("clock") if isinstance(browser, Mapping) else None
        fits = isinstance(ahead, int | float) and not isinstance(ahead, bool) and abs(ahead) <= LARGEST_OFFSET
        return timezone(timedelta(minutes=ahead)) if fits else None  # type: ignore[arg-type]


def call_off(event: Callable[..., Any], listeners: Sequence[Any]) -> None:
    """Lets an event end what other listeners still answer of.

    Must be connected before the event's own listener: Gradio would cancel only after the answer of that.
    """
    event(None, None, None, cancels=list(listeners), **PRIVATE)


def drawn_once(opened: Callable[..., Any], draw: Callable[..., object], inputs: Sequence[Any] = ()) -> None:
    """Draws a part of the page when it is first opened (docs/adr/0053); what a visitor fills in there outlives its closing.

    Fields that `draw` makes must say interactive=True. A listener in it must not hear an event that one outside hears too: Gradio
    (6.31) would forget that one.

    Args:
        opened: the event of the accordion or tab.
        draw: makes the components and wires them, given the values of `inputs`.
    """
    drawn = gr.State(False)
    opened(lambda: True, None, drawn, **QUEUED)

    def once(drawn: bool, *values: Any) -> None:
        if drawn:
            draw(*values)

    gr.render([drawn, *inputs], triggers=[drawn.change], show_progress="hidden")(once)


def new_token() -> str:
    """128 random bits as 32 hex digits."""
    return secrets.token_hex(16)


class Refusal(gr.Error):
    """A sentence for the visitor; `kind` is the name of what was refused, which a log may hold."""

    def __init__(self, error: PlaygroundError) -> None:
        title = copy.TITLE_CANNOT if isinstance(error, InputError) else copy.TITLE_FAILED
        super().__init__(str(error), title=title, duration=12, print_exception=False)
        self.kind = type(error).__name__


def say(error: PlaygroundError) -> Refusal:
    """The error as the page shows it."""
    return Refusal(error)
