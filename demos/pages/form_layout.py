"""How the form looks."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demos import controls, copy, live
from demos.pages import form_cards as cards
from demos.pages import form_values as show
from demos.pages import form_wiring, hub, own
from demos.pages.form import Component, Form, settings_key
from demos.static_files import mounting
from sfr_core import catalog, presets

PICKER = '<fieldset class="picker"></fieldset>'


def build(model: str) -> Form:
    """Draws the form with its defaults: SFR-on, quick, official."""
    data, model_kind = live.dataset(model), show.kind_of(model)
    script = mounting("picker")

    def picker(value: dict[str, Any], elem_id: str) -> gr.HTML:
        return gr.HTML(
            value, html_template=PICKER, js_on_load=script, elem_id=elem_id, apply_default_css=False, padding=False
        )

    gr.HTML(f"<h3>{copy.MODEL_TITLE}</h3>", elem_classes="pg-step")
    model_part = picker(cards.model_value(model), "model-picker")
    hub_part = hub.build()
    own_part = own.build()
    gr.HTML(f"<h3>{copy.FORGET_TITLE}</h3>", elem_classes="pg-step")
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
        share = controls.unchecked(
            gr.Slider(1, 50, value=10, step=1, label=copy.SHARE_LABEL, info=copy.SHARE_INFO, elem_id="share")
        )
        share_seed = gr.Number(0, label=copy.SHARE_SEED_LABEL, info=copy.SHARE_SEED_INFO, elem_id="share-seed")
    page = gr.State(0)
    # In the browser, not in a gr.State: a click sends it together with the fields that it tells of.
    scope = show.scope(model, "sfr-on", "class", {"selected": [default]})
    settled = gr.JSON([model, "sfr-on", "quick", "official", scope], visible=False)
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
            info=copy.REDIRECT_INFO,
            max_lines=1,
            elem_id="redirect",
        )
        redirects_note = gr.HTML(show.redirects_note(model, show.first_concept(model)), elem_id="redirects-note")
        redirect_note = gr.HTML(show.redirect_note("sfr-on"), elem_id="redirect-note")
    source = gr.Radio(
        [(title, name) for name, title in copy.DATA_SOURCES.items()],
        value="shipped",
        label=copy.DATA_SOURCE_LABEL,
        info=copy.DATA_SOURCE_INFO,
        visible=show.chooses_data(model),
        elem_id="data-source",
    )
    gr.HTML(f"<h3>{copy.METHOD_TITLE}</h3>", elem_classes="pg-step")
    with gr.Row(equal_height=True):
        method = _dropdown(show.method_choices(model), "sfr-on", copy.METHOD_LABEL, "", 130, "method")
        preset = _dropdown(show.preset_choices(model, "sfr-on"), "quick", copy.PRESET_LABEL, "", 110, "preset")
        variants = [(title, name) for name, title in copy.VARIANTS.items()]
        variant = _dropdown(variants, "official", copy.VARIANT_LABEL, "", 130, "variant")
    note = gr.HTML(show.method_note(model, "sfr-on", "quick"), elem_id="method-note")
    fields, groups = _settings(model)
    with gr.Accordion(copy.ADVANCED_TITLE, open=False, elem_id="advanced"):
        first = settings_key("sfr-on", model_kind)
        for key, parts in fields.items():
            with gr.Row(visible=key == first) as row:
                for part in parts.values():
                    if not part.is_rendered:
                        part.render()
            groups[key].append(row)
        with gr.Row():
            seed = gr.Number(0, label=copy.SEED_LABEL, info=copy.SEED_INFO, min_width=150, elem_id="seed")
            devices = [(title, name) for name, title in copy.DEVICES.items()]
            device = _dropdown(devices, "auto", copy.DEVICE_LABEL, copy.DEVICE_INFO, 150, "device")
            precisions = [(title, name) for name, title in copy.PRECISIONS.items()]
            precision = _dropdown(precisions, "auto", copy.PRECISION_LABEL, copy.PRECISION_INFO, 150, "precision")
            memories = [(title, name) for name, title in copy.MEMORIES.items()]
            memory = _dropdown(memories, "plain", copy.MEMORY_LABEL, copy.MEMORY_INFO, 150, "memory")
    form = Form(
        model_part, kind, classes, share, share_seed, samples, concepts, concept_own, redirect, redirects_note, redirect_note, method, preset, variant,
        seed, device, precision, memory, fields, groups, kinds, kind_note, source, note, page, settled, samples_class, samples_note, own_part.note,
    )  # fmt: skip
    form.inputs = {
        model_part, kind, source, classes, share, share_seed, samples, concepts, concept_own, redirect, method, preset, variant, seed,
        device, precision, memory, settled, *(part for parts in fields.values() for part in parts.values()),
    }  # fmt: skip
    form_wiring.wire(form, previous, following, nothing, own_part, hub_part)
    return form


def _dropdown(choices: list[tuple[str, str]], value: str, label: str, info: str, width: int, name: str) -> gr.Dropdown:
    return gr.Dropdown(
        choices, value=value, label=label, info=info or None, filterable=False, min_width=width, elem_id=name
    )


def _settings(model: str) -> tuple[dict[str, dict[str, Component]], dict[str, list[gr.Column | gr.Row]]]:
    """Components of every method's settings, of every kind of model that is installed.

    The ablation switches are drawn here, the others by the accordion.
    """
    fields: dict[str, dict[str, Component]] = {}
    groups: dict[str, list[gr.Column | gr.Row]] = {}
    shown = settings_key("sfr-on", show.kind_of(model))
    for model_kind, table in catalog.BY_KIND.items():
        unable = controls.cannot(model_kind)
        for name in table:
            key = settings_key(name, model_kind)
            if key in fields or name in unable:
                continue
            values = presets.resolve("", name, kind=model_kind)
            if key == shown:
                values = presets.resolve(model, name)
            prefix = f"set-{name}" if model_kind == "classifier" else f"set-{model_kind}-{name}"
            settings = controls.settings_of(name, model_kind)
            switches = [setting for setting in settings if setting.group == "ablation"]
            parts: dict[str, Component] = {}
            groups[key] = []
            if switches:
                with gr.Column(visible=key == shown, elem_classes="pg-ablation", min_width=0) as column:
                    gr.HTML(f'<div class="pg-note">{copy.ABLATION_TITLE}</div>')
                    with gr.Row():
                        for setting in switches:
                            elem_id = f"{prefix}-{setting.name}"
                            parts[setting.name] = controls.component(setting, values[setting.name], elem_id)
                groups[key].append(column)
            for setting in settings:
                if setting.group != "ablation":
                    parts[setting.name] = controls.component(
                        setting, values[setting.name], f"{prefix}-{setting.name}", render=False
                    )
            fields[key] = parts
    return fields, groups
