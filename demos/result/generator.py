"""All samples of a generator's run: the models side by side, and one over the other."""

from __future__ import annotations

import gradio as gr

from demos.panel import ShownRun
from demos.pictures.judge_text import judge_note
from demos.records.record import RunRecord
from demos.render import behind_blur, render
from demos.result.strips import pair_value, strips_html
from demos.static_files import mounting
from demos.text import result as texts


def draw_samples(run: ShownRun, record: RunRecord) -> None:
    """Every row of samples, and a slider over two models."""
    labels = record.class_names, record.forgotten, record.roles
    strips = strips_html(record.samples, *labels, undrawn=record.undrawn, judge=judge_note(record.config.model))
    gr.HTML(behind_blur(strips, record.blurred), elem_id=f"{run.prefix}-strips")
    pair = pair_value(record.key, record.samples, *labels)
    if pair is not None:
        gr.Markdown(f"### {texts.PAIR_TITLE}")
        gr.HTML(
            {**pair, "blurred": record.blurred},
            html_template=render("pair.html", T=texts.PAIR),
            js_on_load=mounting("pair"),
            apply_default_css=False,
            elem_id=f"{run.prefix}-pair",
            texts=texts.PAIR,
        )
