"""Draw more: sampler steps, guidance and noise in the visitor's hand, for the models of a run whose weights are in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from demos.jobs import side_jobs
from demos.jobs.side_jobs import SideJob, Worker
from demos.panel import Panel, ShownRun, bar_html, ended_html, gone, weights_here
from demos.records.record import RunRecord
from demos.render import behind_blur, note
from demos.result.strips import MODELS, strips_html
from demos.text import result as texts
from demos.text.unlearn import duration
from sfr_core.configs.run import whole
from sfr_core.errors import InputError
from sfr_core.results import GeneratorReport

DEADLINE = 180.0
"""Seconds that one drawing may compute."""
STEPS = (10, 20, 25, 50, 100)
"""Offered numbers of sampler steps; each divides the schedule's 1000."""
LARGEST_GUIDANCE = 8.0
PER_CLASS = {"forgotten": 16, "all": 8}
"""Samples of each class or prompt at most, by what is drawn."""
MOST, FEWEST = 96, 4
"""Samples of one model: of many classes each has fewer, in whole lines, and of more than MOST / FEWEST only the first are drawn."""

Drawing: TypeAlias = SideJob[GeneratorReport]
"""Samples that are being drawn: one report a model."""


class DrawMore(Panel[GeneratorReport]):
    """The controls, and the drawing that each visitor has under way."""

    def __init__(self, run: ShownRun, record: RunRecord) -> None:
        super().__init__(run, "play")
        able = bool(record.samples) and weights_here(record)
        # As in the run's own samples, so that only what a visitor changes differs from them.
        guidance = next((min(report.guidance, LARGEST_GUIDANCE) for report in record.samples.values()), 2)
        with gr.Column(elem_id=self.name):
            gr.Markdown(texts.PLAY_HELP)
            with gr.Row():
                steps = gr.Dropdown(
                    list(STEPS),
                    value=20,
                    label=texts.PLAY_STEPS,
                    filterable=False,
                    min_width=120,
                    elem_id=f"{self.name}-steps",
                    interactive=True,
                )
                self.guidance = gr.Slider(
                    0,
                    LARGEST_GUIDANCE,
                    value=guidance,
                    step=0.5,
                    label=texts.PLAY_GUIDANCE,
                    buttons=[],
                    min_width=200,
                    elem_id=f"{self.name}-guidance",
                    interactive=True,
                )
                seed = gr.Number(
                    1, precision=0, label=texts.PLAY_SEED, min_width=120, elem_id=f"{self.name}-seed", interactive=True
                )
                what = gr.Radio(
                    [(title, name) for name, title in texts.PLAY_CHOICES.items()],
                    value="forgotten",
                    label=texts.PLAY_WHAT_PROMPTS if record.of_concept else texts.PLAY_WHAT,
                    min_width=200,
                    elem_id=f"{self.name}-what",
                    interactive=True,
                )
            self.buttons(
                texts.PLAY_DRAW,
                texts.PLAY_STOP,
                able=able,
                status="" if able else note(gone()),
                part="draw",
                variant="primary",
            )
            drawn = gr.HTML(elem_id=f"{self.name}-drawn")
        self.starts(self.start, self.begin, progress_html, ended, [steps, self.guidance, seed, what], [drawn])

    def begin(self, browser: Any, record: RunRecord, steps: Any, guidance: Any, seed: Any, what: Any) -> Drawing:
        """Starts to draw; an earlier drawing of the same visitor is stopped.

        Raises:
            InputError: the weights are gone, or a value that the controls do not offer.
        """
        session = self.run.session(browser, after=False)
        if steps not in STEPS:
            raise InputError(texts.PLAY_BAD_STEPS)
        if isinstance(guidance, bool) or not isinstance(guidance, int | float):
            raise InputError(texts.PLAY_BAD_GUIDANCE)
        if not 0 <= guidance <= LARGEST_GUIDANCE:
            raise InputError(texts.PLAY_BAD_GUIDANCE)
        labels = labels_of(str(what), len(record.class_names), record.forgotten)
        sampler = sampler_of(
            session, labels, seed=whole("seed of the noise", seed), steps=steps, guidance=float(guidance)
        )
        # Torch is here by now: the session came with it. Large latents have more batches.
        from sfr_core.ops.sampling import sampler_steps

        total = sampler_steps(len(labels), steps, session.task.shape)
        # Without `after` where it was rolled back.
        models = [who for who in MODELS if who in record.samples and (who != "after" or session.after is not None)]
        return self.put(browser, lambda: start(self.ctx.book.slot, sampler, models, total))


def start(slot: Any, sampler: Worker[GeneratorReport], models: Sequence[str], steps: int) -> Drawing:
    """Draws with each of `models` in turn, `steps` sampler steps each over all batches (see `side_jobs.start`)."""
    return side_jobs.start(slot, sampler, models, steps, deadline=DEADLINE, advice="Try fewer steps or classes.")


def labels_of(what: str, classes: int, forgotten: Sequence[int]) -> NDArray[np.int64]:
    """Label of every sample: of the forgotten ones, or of all with the forgotten first."""
    wanted = list(forgotten)
    if what == "all" or not wanted:
        what = "all"
        wanted += [c for c in range(classes) if c not in wanted]
    wanted = wanted[: MOST // FEWEST]
    each = min(PER_CLASS[what], max(FEWEST, MOST // len(wanted) // FEWEST * FEWEST))
    return np.repeat(np.array(wanted, np.int64), each)


def sampler_of(session: Any, labels: Any, *, seed: int, steps: int, guidance: float) -> Worker[GeneratorReport]:
    """Draws with one of a session's models: yields the sampler steps done, and last the report. All start from the same noise."""

    def draw(who: str) -> Iterator[int | GeneratorReport]:
        # Torch is here by now: the session came with it.
        from sfr_core.metrics.generation import Protocol
        from sfr_core.runs import sampling as generation

        sampler = Protocol(len(labels), steps, guidance)
        task = session.task
        model = session.reference(who)
        if task.judge is None:
            drawn = yield from generation.draw_unjudged(task, labels, sampler, model, seed=seed)
        else:
            drawn = yield from generation.draw(task, task.judge, labels, sampler, model, seed=seed)
        yield drawn.report()

    return draw


def progress_html(drawing: Drawing) -> str:
    """A bar with the real steps, or that it waits."""
    model = texts.MODELS.get(drawing.model, "").lower()
    text = texts.PLAY_PROGRESS.format(model=model, done=drawing.done, total=drawing.steps)
    return bar_html(drawing, texts.PLAY_TITLE, text)


def ended(record: RunRecord, drawing: Drawing, steps: Any, guidance: Any, seed: Any, what: Any) -> tuple[Any, str, Any]:
    """How it ended: the button, the status, and the pictures."""
    again = gr.Button(interactive=True)
    if drawing.state != "done":
        return again, ended_html(drawing, ""), gr.skip()
    first = next(iter(drawing.outcomes.values()))
    done = texts.PLAY_DONE.format(
        n=len(first.labels),
        steps=first.sampler_steps,
        guidance=guidance,
        seed=seed,
        seconds=duration(drawing.seconds),
    )
    strips = strips_html(drawing.outcomes, record.class_names, record.forgotten, record.roles)
    return again, note(done), behind_blur(strips, record.blurred)
