"""How the form looks."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demos.pictures import inline
from demos.render import render, step_title
from demos.static_files import mounting
from demos.text import unlearn as copy
from demos.unlearn import cards, form_settings, hub_panel, uploaded
from demos.unlearn import options as show
from demos.unlearn import wiring as form_wiring
from demos.unlearn.form import Form


def build(model: str) -> Form:
    """Draws the form with its defaults: SFR-on, quick, official."""
    data = inline.dataset(model)
    script = mounting("picker")

    def picker(value: dict[str, Any], elem_id: str) -> gr.HTML:
        return gr.HTML(
            value,
            html_template=render("picker.html"),
            js_on_load=script,
            elem_id=elem_id,
            apply_default_css=False,
            padding=False,
        )

    gr.HTML(step_title(copy.MODEL_TITLE), elem_classes="pg-step")
    model_part = picker(cards.model_value(model), "model-picker")
    with gr.Row(elem_id="other-models"):
        hub_panel.build(lambda: form)
        uploaded.build(lambda: form)
    opened = gr.State("")
    with gr.Row(elem_id="forget-head"):
        gr.HTML(step_title(copy.FORGET_TITLE), elem_classes="pg-step")
        kind = gr.Radio(
            show.kind_choices(),
            value="class",
            label=copy.FORGET_LABEL,
            show_label=False,
            container=False,
            visible=len(show.kinds_of(model)) > 1,
            elem_id="forget-kind",
        )
        kind_note = gr.HTML(show.forget_note(model), elem_id="forget-note")
    default = show.first_class(model)
    kinds = {}
    with gr.Group(elem_id="forget-class") as kinds["class"]:
        classes = picker(cards.class_value(model, [default]), "class-picker")
    with gr.Group(visible=False, elem_id="forget-random") as kinds["random"], gr.Row():
        share = unchecked(
            gr.Slider(1, 50, value=10, step=1, label=copy.SHARE_LABEL, info=copy.SHARE_INFO, elem_id="share")
        )
        share_seed = gr.Number(0, label=copy.SHARE_SEED_LABEL, info=copy.SHARE_SEED_INFO, elem_id="share-seed")
    page = gr.State(0)
    with gr.Group(visible=False, elem_id="forget-samples") as kinds["samples"]:
        samples_class = gr.Dropdown(
            list(data.class_names), value=default, label=copy.SAMPLES_CLASS, elem_id="samples-class"
        )
        with gr.Row(elem_id="samples-nav"):
            previous = gr.Button(copy.SAMPLES_PREVIOUS, size="sm", min_width=100, elem_id="samples-previous")
            following = gr.Button(copy.SAMPLES_NEXT, size="sm", min_width=100, elem_id="samples-next")
            nothing = gr.Button(copy.SAMPLES_CLEAR, size="sm", min_width=100, elem_id="samples-clear")
        samples = picker(cards.sample_value(model, default, 0, []), "sample-picker")
        samples_note = gr.Markdown(copy.SAMPLES_NONE, elem_id="samples-note")
    with gr.Group(visible=False, elem_id="forget-concept") as kinds["concept"]:
        concepts = picker(cards.concept_value(model, show.first_concept(model)), "concept-picker")
        concept_own = show.own_concept_value(model, "")
        redirect = gr.Textbox(
            show.redirects(model).get(show.first_concept(model), ""),
            label=copy.REDIRECT_LABEL,
            placeholder=copy.REDIRECT_INFO,
            max_lines=1,
            elem_id="redirect",
        )
        redirects_note = gr.HTML(show.redirects_note(model, show.first_concept(model)), elem_id="redirects-note")
        redirect_note = gr.HTML(show.redirect_note(show.first_method(model)), elem_id="redirect-note")
    source = gr.Radio(
        [(title, name) for name, title in copy.DATA_SOURCES.items()],
        value="shipped",
        label=copy.DATA_SOURCE_LABEL,
        show_label=False,
        container=False,
        visible=show.chooses_data(model),
        elem_id="data-source",
    )
    settings = form_settings.build(model, show.scope(model, show.first_method(model), "class", {"selected": [default]}))
    form = Form(
        model_part, kind, classes, share, share_seed, samples, concepts, concept_own, redirect, redirects_note, redirect_note, settings,
        kinds, kind_note, source, page, samples_class, samples_note, opened,
    )  # fmt: skip
    form.inputs = {
        model_part, kind, source, classes, share, share_seed, samples, concepts, concept_own, redirect, settings,
    }  # fmt: skip
    form_wiring.wire(form, previous, following, nothing)
    return form


def unchecked(slider: gr.Slider) -> gr.Slider:
    """A slider whose number box may hold any number: what reads it says in a sentence what is wrong.

    Gradio itself raises an error beyond its ends, which then stands as the word "Error" in whatever the event would have filled.
    """
    vars(slider).update(preprocess=lambda payload: payload)
    return slider
