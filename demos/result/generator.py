"""The part of Compare that only generators have: samples of the models side by side, one over the other, and drawn anew."""

from __future__ import annotations

import gradio as gr

from demos.panel import ShownRun
from demos.records.record import RunRecord
from demos.render import behind_blur, render
from demos.result.clip_score import ClipScore, scores
from demos.result.draw_more import DrawMore
from demos.result.exposure import Count, counts
from demos.result.recovery import Recover
from demos.result.strips import pair_value, strips_html
from demos.static_files import mounting
from demos.text import result as texts


class GeneratorPart:
    """Rows of samples, a slider over a pair, and the sampler in the visitor's hand.

    Attributes:
        pair, recover: None where there are no two models' samples, or no concept.
    """

    def __init__(self, run: ShownRun, record: RunRecord) -> None:
        labels = record.class_names, record.forgotten, record.roles
        pair = pair_value(record.key, record.samples, *labels)
        with gr.Column(elem_id=f"{run.prefix}-generator"):
            gr.Markdown(f"### {texts.STRIPS_TITLE}")
            strips = strips_html(record.samples, *labels, undrawn=record.undrawn)
            self.strips = gr.HTML(behind_blur(strips, record.blurred), elem_id=f"{run.prefix}-strips")
            self.pair = None
            if pair is not None:
                gr.Markdown(f"### {texts.PAIR_TITLE}")
                self.pair = gr.HTML(
                    {**pair, "blurred": record.blurred},
                    html_template=render("pair.html", T=texts.PAIR),
                    js_on_load=mounting("pair"),
                    apply_default_css=False,
                    elem_id=f"{run.prefix}-pair",
                    texts=texts.PAIR,
                )
            self.play = DrawMore(run, record)
            self.recover = Recover(run, record) if record.of_concept else None
            if scores(record):
                ClipScore(run, record)
            if counts(record):
                Count(run, record)
