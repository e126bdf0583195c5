"""Do the pictures show what their prompts say? A CLIP's scores of a text-to-image run, before and after."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from demos.context import LAST
from demos.jobs import downloads, estimate, side_jobs
from demos.jobs.side_jobs import SideJob
from demos.panel import Panel, ShownRun, bar_html, ended_html, estimated, gone, weights_here
from demos.records.record import RunRecord
from demos.render import note, plain, status, table
from demos.text import result as texts
from demos.text.unlearn import about, duration, size
from sfr_core.data.concepts import Role
from sfr_core.errors import InputError
from sfr_core.hub.clip import CLIP, CLIP_BYTES, CLIP_LICENCE, chosen_clip, clip_here, look_up_clip, open_clip
from sfr_core.hub.fetch import fetch, missing_bytes
from sfr_core.hub.names import read_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfr_core.metrics.agreement import Agreement, Clip

SIZES = (4, 8, 20, 40)
"""Pictures of each kind of prompt and each model that are offered."""
SIZE = 20
SURE = 2.0
"""Standard errors beyond which a change is more than chance."""


@dataclass(frozen=True, slots=True)
class Scores:
    """CLIPScores (0 to 100) of one model's pictures, by the role of their prompts, the CLIP's name, and the sampler."""

    by_role: Mapping[Role, NDArray[np.float64]]
    clip: str
    steps: int
    guidance: float


class ClipScore(Panel[Any]):
    """The panel of a run that `scores`, and the download or the scoring that each visitor has under way."""

    def __init__(self, run: ShownRun, record: RunRecord) -> None:
        super().__init__(run, "clip")
        self.weights, self.here = weights_here(record), clip_here(chosen_clip())
        with gr.Column(elem_id=self.name):
            gr.Markdown(texts.CLIP_HELP)
            self.about = gr.HTML(about_html() if self.weights else "", elem_id=f"{self.name}-about")
            self.size = gr.Radio(
                list(SIZES),
                value=SIZE,
                label=texts.CLIP_SIZE,
                info=texts.CLIP_SIZE_INFO,
                elem_id=f"{self.name}-size",
                interactive=True,
            )
            self.time = gr.HTML(note(time_text(record, SIZE)) if self.weights else "", elem_id=f"{self.name}-time")
            self.buttons(
                texts.CLIP_START,
                texts.CLIP_STOP,
                able=self.weights and self.here,
                status="" if self.weights else note(gone()),
            )
        self.starts(
            self.fetch,
            self.begin_fetch,
            partial(downloads.progress_html, title=texts.CLIP_TITLE),
            fetched,
            outputs=[self.start, self.about],
            looking=texts.CLIP_LOOKING,
        )
        self.starts(self.start, self.begin, progress_html, ended, [self.size])

        def another(browser: Any, n: Any) -> str:
            return note(time_text(run.record(browser), n))

        self.size.input(another, [self.ctx.browser, self.size], self.time, **LAST)

    def more_buttons(self) -> None:
        """The one that fetches the CLIP."""
        label = texts.CLIP_FETCH.format(size=size(CLIP_BYTES))
        self.fetch = self.button("fetch", label, visible=self.weights and not self.here)

    def begin_fetch(self, browser: Any, record: RunRecord) -> SideJob[Path]:
        """Looks the CLIP up and starts its download, which leaves the compute slot to runs.

        Raises:
            InputError: the run's weights are gone. HubError: as `look_up_clip`.
        """
        self.run.session(browser)
        model = look_up_clip(chosen_clip())
        return self.put(browser, lambda: downloads.fetching(model.id, partial(fetch, model), missing_bytes(model)))

    def begin(self, browser: Any, record: RunRecord, n: Any) -> SideJob[Scores]:
        """Starts to score; an earlier job of the same visitor is stopped.

        Raises:
            InputError: the weights are gone, the CLIP is not here, or `n` is not offered.
        """
        session = self.run.session(browser)
        if not clip_here(chosen_clip()):
            raise InputError(texts.CLIP_NOT_HERE, hint=texts.CLIP_NOT_HERE_HINT)
        return self.put(browser, lambda: start(self.ctx.book.slot, session, n))


def scores(record: RunRecord) -> bool:
    """Whether a run has the panel: it forgets a concept, and its samples are kept."""
    return record.of_concept and "after" in record.samples


def start(slot: threading.Lock, session: Any, n: int) -> SideJob[Scores]:
    """Draws n pictures of every kind of prompt with each model of a run and scores them, in a thread that waits for `slot`.

    Raises:
        InputError: `n` is not offered.
    """
    if n not in SIZES:
        raise InputError(texts.CLIP_BAD_SIZE)
    # Torch is here by now: the session came with it.
    from sfr_core.metrics.agreement import agree, agreement_steps
    from sfr_core.runs.sampling import protocol_of

    sampler, chosen = protocol_of(session.card), chosen_clip()
    opened: list[tuple[Clip, str]] = []

    def score(who: str) -> Iterator[int | Scores]:
        if not opened:  # in this thread: its files are checked, which takes a while
            opened.append(open_clip(chosen, session.device))
        clip, name = opened[0]
        model = side_jobs.model_of(session, who)
        found = yield from agree(session.task, sampler, clip, n, model)
        yield Scores(found, name, sampler.steps, sampler.guidance)

    models = ("before", "after", *(("retrained",) if session.has("retrained") else ()))
    return side_jobs.start(slot, score, models, agreement_steps(session.task, sampler, n))


def ended(_: RunRecord, job: SideJob[Scores], __: Any) -> tuple[Any, str]:
    """How it ended: sentence and table, or why there are none."""
    found = found_html(job.outcomes, job.seconds) if job.state == "done" else ended_html(job, "")
    return gr.Button(interactive=True), found


def fetched(_: RunRecord, job: SideJob[Path]) -> tuple[Any, str, Any, str]:
    """How the download ended: its button, the status, the button that scores, and which CLIP that asks."""
    here = job.state == "done"
    return (
        gr.Button(visible=not here, interactive=True),
        note(texts.CLIP_FETCHED) if here else downloads.unfinished_html(job),
        gr.Button(interactive=here),
        about_html(),
    )


def progress_html(job: SideJob[Scores]) -> str:
    """A bar with the real steps, or that it waits."""
    who = texts.CLIP_WHO.get(job.model, "")
    return bar_html(job, texts.CLIP_TITLE, texts.CLIP_PROGRESS.format(who=who, done=job.done, total=job.steps))


def about_html() -> str:
    """Which CLIP scores; of one that is not here, what fetching it means."""
    chosen = chosen_clip()
    if chosen != CLIP:
        return note(texts.CLIP_FOLDER.format(name=Path(chosen).name))
    name = read_name(CLIP).repo
    if clip_here(CLIP):
        return note(texts.CLIP_HERE.format(name=name))
    return plain(texts.CLIP_NEEDS.format(name=name, size=size(CLIP_BYTES), licence=CLIP_LICENCE))


def time_text(record: RunRecord, n: Any) -> str:
    """About how long n pictures of each kind will take, in one sentence."""
    models = 3 if "retrained" in record.samples else 2
    pictures = models * len(set(record.roles)) * (n if n in SIZES else SIZE)
    found = estimated(record, estimate.drawn, pictures)
    looking = texts.CLIP_LOOKS.format(n=pictures)
    if found is None:
        return f"{texts.RECOVER_TIME_UNKNOWN} {looking}"
    drawing = texts.CLIP_TIME.format(time=about(found), source=texts.RECOVER_FROM["pace"])
    return f"{drawing} {looking}"


def found_html(found: Mapping[str, Scores], seconds: float) -> str:
    """The sentence, and the table by the kind of prompt: before, after, retrained where there is one, and the change."""
    from sfr_core.metrics.agreement import Agreement

    models = [who for who in texts.MODELS if who in found]
    before, after = found["before"].by_role, found["after"].by_role
    # Pictures in one place start from the same noise, so that their difference has the smaller error of pairs.
    changes = {role: Agreement.of(after[role] - before[role]) for role in before}
    rows = []
    for role, change in changes.items():
        means = [Agreement.of(found[who].by_role[role]) for who in models]
        cells = [f"{one.mean:.1f} ± {one.error:.1f}" for one in means]
        rows.append((texts.SHARES_ROWS[role], *cells, f"{change.mean:+.2f} ± {change.error:.2f}", f"{change.n:,}"))
    one = found["after"]
    caption = texts.CLIP_CAPTION.format(clip=one.clip, steps=one.steps, guidance=one.guidance, time=duration(seconds))
    head = (texts.CLIP_PROMPTS, *(texts.MODELS[who].lower() for who in models), texts.CLIP_CHANGE, "n")
    return status(sentence(changes)) + table(head, rows, caption=caption)


def sentence(changes: Mapping[Role, Agreement]) -> str:
    """What changed by more than chance, kind by kind; by the rule in CLIP_CAPTION."""
    which: dict[str, list[str]] = {kind: [] for kind in texts.CLIP_SAID}
    for role, change in changes.items():
        what, by = texts.CLIP_OF[role], abs(change.mean)
        if by > SURE * change.error:
            which["fell" if change.mean < 0 else "rose"].append(texts.CLIP_BY.format(what=what, by=by))
        else:
            which["stayed"].append(what)
    parts = [texts.CLIP_SAID[kind].format(which=_listed(found)) for kind, found in which.items() if found]
    return texts.CLIP_SENTENCE.format(parts=texts.CLIP_JOIN.join(parts))


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return texts.CLIP_AND.format(first=", ".join(first), last=last) if first else last
