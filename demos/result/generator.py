"""The part of Compare that only generators have: samples of the models side by side, one over the other, and drawn anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from demos.context import PageContext
from demos.pictures.blur import behind_blur
from demos.records.record import RunRecord
from demos.render import render
from demos.result import strips as html
from demos.result.clip_score import ClipScore
from demos.result.draw_more import DrawMore
from demos.result.exposure import Count
from demos.result.recovery import Recover
from demos.static_files import mounting
from demos.text import result as copy


class GeneratorPart:
    """Rows of samples, a slider over a pair, and the sampler in the visitor's hand; hidden for classifiers."""

    def __init__(self, ctx: PageContext, prefix: str, key: gr.State) -> None:
        with gr.Column(visible=False, elem_id=f"{prefix}-generator") as self.box:
            gr.Markdown(f"### {copy.STRIPS_TITLE}")
            self.strips = gr.HTML(elem_id=f"{prefix}-strips")
            with gr.Column(elem_id=f"{prefix}-pair-box") as self.pair_box:
                gr.Markdown(f"### {copy.PAIR_TITLE}")
                self.pair = gr.HTML(
                    {"key": ""},
                    html_template=render("pair.html", T=copy.PAIR),
                    js_on_load=mounting("pair"),
                    apply_default_css=False,
                    elem_id=f"{prefix}-pair",
                    texts=copy.PAIR,
                )
            self.play = DrawMore(ctx, prefix, key)
            self.recover = Recover(ctx, prefix, key)
            self.clip = ClipScore(ctx, prefix, key)
            self.count = Count(ctx, prefix, key)

    def updates_of(self, record: RunRecord, *, live: bool) -> dict[Any, Any]:
        """What the part shows for a run; for a classifier nothing. `live` runs may still have weights to draw with."""
        if not record.generates:
            return self.cleared()
        labels = record.class_names, record.forgotten, record.roles
        pair = html.pair_value(record.key, record.samples, *labels)
        return {
            self.box: gr.update(visible=True),
            self.strips: behind_blur(html.strips_html(record.samples, *labels, undrawn=record.undrawn), record.blurred),
            self.pair_box: gr.update(visible=pair is not None),
            self.pair: {**(pair or {"key": ""}), "blurred": record.blurred},
            **self.play.updates_of(record, live=live),
            **self.recover.updates_of(record, live=live),
            **self.clip.updates_of(record, live=live),
            **self.count.updates_of(record, live=live),
        }

    def cleared(self) -> dict[Any, Any]:
        """Hidden, and its bulk is gone."""
        return {
            self.box: gr.update(visible=False),
            self.strips: gr.update(value=None),
            self.pair_box: gr.update(visible=False),
            self.pair: {"key": ""},
            **self.play.cleared(),
            **self.recover.cleared(),
            **self.clip.cleared(),
            **self.count.cleared(),
        }

    def wire(self, record_of: Callable[[Any, Any], RunRecord]) -> list[Any]:
        """Connects sampler, attack, scores and count; `record_of(browser, key)` checks whose run it is. Returns what goes on answering."""
        listeners = [part.wire(record_of) for part in (self.play, self.recover, self.count)]
        return [*listeners, *self.clip.wire(record_of)]
