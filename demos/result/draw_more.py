"""Draw more: sampler steps, guidance and noise in the visitor's hand, for the models of a run whose weights are in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from demos.context import PageContext
from demos.jobs import hardware
from demos.panel import Panel, bar_html, gone, session_of
from demos.panel import ended_html as wish_ended
from demos.pictures.blur import behind_blur
from demos.records.record import RunRecord
from demos.render import note
from demos.result import sampling
from demos.result import strips as generator_html
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.configs.run import whole
from sfr_core.errors import InputError
from sfr_core.results import GeneratorReport


class DrawMore(Panel[GeneratorReport]):
    """The controls, and the drawing that each visitor has under way."""

    def __init__(self, ctx: PageContext, prefix: str, key: gr.State) -> None:
        super().__init__(ctx, f"{prefix}-play", key)
        with gr.Column(elem_id=f"{prefix}-play") as self.box:
            gr.Markdown(f"### {copy.PLAY_TITLE}\n{copy.PLAY_HELP}")
            with gr.Row():
                self.steps = gr.Dropdown(
                    list(sampling.STEPS),
                    value=20,
                    label=copy.PLAY_STEPS,
                    filterable=False,
                    min_width=120,
                    elem_id=f"{prefix}-play-steps",
                    interactive=True,
                )
                self.guidance = gr.Slider(
                    0,
                    sampling.LARGEST_GUIDANCE,
                    value=2,
                    step=0.5,
                    label=copy.PLAY_GUIDANCE,
                    buttons=[],
                    min_width=200,
                    elem_id=f"{prefix}-play-guidance",
                    interactive=True,
                )
                self.seed = gr.Number(
                    1, precision=0, label=copy.PLAY_SEED, min_width=120, elem_id=f"{prefix}-play-seed", interactive=True
                )
                self.what = gr.Radio(
                    [(title, name) for name, title in copy.PLAY_CHOICES.items()],
                    value="forgotten",
                    label=copy.PLAY_WHAT,
                    min_width=200,
                    elem_id=f"{prefix}-play-what",
                    interactive=True,
                )
            self.buttons(copy.PLAY_DRAW, copy.PLAY_STOP, part="draw", variant="primary")
            self.drawn = gr.HTML(elem_id=f"{prefix}-play-drawn")

    def updates_of(self, record: RunRecord, *, live: bool) -> dict[Any, Any]:
        """Ready to draw where the run's weights are in memory of this process; otherwise a sentence."""
        able = live and bool(record.samples) and not hardware.on_zerogpu()
        return {
            **self.cleared(),
            self.what: gr.update(label=copy.PLAY_WHAT_PROMPTS if record.of_concept else copy.PLAY_WHAT),
            self.guidance: sampled(record),
            self.start: gr.update(interactive=able),
            self.status: "" if able else note(gone()),
        }

    def cleared(self) -> dict[Any, Any]:
        """Nothing drawn."""
        still = dict.fromkeys((self.what, self.guidance), gr.skip())
        off = dict.fromkeys((self.start, self.stop), gr.update(interactive=False))
        return {**off, **still, self.status: "", self.drawn: ""}

    def wire(self, record_of: Callable[[Any, Any], RunRecord]) -> Any:
        """Connects the buttons; `record_of(browser, key)` checks whose run it is. Returns the listener that goes on answering."""
        self.stopped_by_its_button()
        chosen = [self.steps, self.guidance, self.seed, self.what]
        return self.starts(self.start, record_of, self.begin, progress_html, ended, chosen, [self.drawn])

    def begin(
        self, browser: Any, key: Any, record: RunRecord, steps: Any, guidance: Any, seed: Any, what: Any
    ) -> sampling.Drawing:
        """Starts a wish; an earlier one of the same visitor is stopped.

        Raises:
            InputError: the weights are gone, or a value that the controls do not offer.
        """
        session = session_of(self.ctx, browser, key, after=False)
        if steps not in sampling.STEPS:
            raise InputError(copy.PLAY_BAD_STEPS)
        if isinstance(guidance, bool) or not isinstance(guidance, int | float):
            raise InputError(copy.PLAY_BAD_GUIDANCE)
        if not 0 <= guidance <= sampling.LARGEST_GUIDANCE:
            raise InputError(copy.PLAY_BAD_GUIDANCE)
        labels = sampling.labels_of(str(what), len(record.class_names), record.forgotten)
        sampler = sampling.sampler_of(
            session, labels, seed=whole("seed of the noise", seed), steps=steps, guidance=float(guidance)
        )
        total = sampling.steps_of(session, labels, steps)
        models = sampling.models_of(session, record.samples)
        return self.put(browser, lambda: sampling.start(self.ctx.book.slot, sampler, models, total))


def sampled(record: RunRecord) -> Any:
    """Guidance as in the run's own samples, so that only what a visitor changes differs from them."""
    first = next(iter(record.samples.values()), None)
    return gr.skip() if first is None else gr.update(value=min(first.guidance, sampling.LARGEST_GUIDANCE))


def progress_html(drawing: sampling.Drawing) -> str:
    """A bar with the real steps, or that it waits."""
    model = copy.MODELS.get(drawing.model, "").lower()
    return bar_html(
        drawing, copy.PLAY_TITLE, copy.PLAY_PROGRESS.format(model=model, done=drawing.done, total=drawing.steps)
    )


def ended(
    record: RunRecord, drawing: sampling.Drawing, steps: Any, guidance: Any, seed: Any, what: Any
) -> tuple[Any, str, Any]:
    """How it ended: the button, the status, and the pictures."""
    shown: Any = gr.skip()
    if drawing.state == "done":
        labels = record.class_names, record.forgotten, record.roles
        shown = behind_blur(generator_html.strips_html(drawing.outcomes, *labels), record.blurred)
    return gr.Button(interactive=True), ended_html(drawing, guidance, seed), shown


def ended_html(drawing: sampling.Drawing, guidance: float, seed: Any) -> str:
    """How a wish ended."""
    first = next(iter(drawing.outcomes.values()), None)
    n, steps = (0, 0) if first is None else (len(first.labels), first.sampler_steps)
    took = page_copy.duration(drawing.seconds)
    done = copy.PLAY_DONE.format(n=n, steps=steps, guidance=guidance, seed=seed, seconds=took)
    return wish_ended(drawing, done)
