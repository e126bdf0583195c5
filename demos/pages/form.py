"""The form of the tab Unlearn: model, forget set, method. Layout and what its parts do to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import numpy as np

from demos import controls, copy, live, theme
from demos.pages import own
from demos.pages.context import say
from sfr_core import methods, presets, zoo
from sfr_core.configs import RunConfig
from sfr_core.data.splits import parse_forget
from sfr_core.errors import InputError, PlaygroundError

Component = gr.components.Component
PICKER = '<fieldset class="picker"></fieldset>'
PICTURES_PER_CLASS = 4
PICTURES_IN_ALL = 200
"""Pictures on all class cards together, so that many classes keep the page light."""
PAGE = 24
"""Training pictures on one page of the sample picker."""


@dataclass(slots=True)
class Form:
    """Components of the form; `fields[method][name]` holds one setting."""

    model: gr.HTML
    kind: gr.Radio
    classes: gr.HTML
    share: gr.Slider
    share_seed: gr.Number
    samples: gr.HTML
    method: gr.Dropdown
    preset: gr.Dropdown
    variant: gr.Dropdown
    seed: gr.Number
    device: gr.Dropdown
    precision: gr.Dropdown
    fields: dict[str, dict[str, Component]]
    groups: dict[str, list[gr.Column | gr.Row]]
    kinds: dict[str, gr.Group]
    method_note: gr.HTML
    page: gr.State
    samples_class: gr.Dropdown
    samples_note: gr.Markdown
    own_note: gr.HTML
    inputs: set[Component] = field(default_factory=set)

    def read(self, values: Mapping[Component, Any]) -> RunConfig:
        """The run that the form describes.

        Raises:
            InputError: something is missing, unknown or out of range.
        """
        method, model = values[self.method], (selected(values[self.model]) or [""])[0]
        rows = [int(row) for row in selected(values[self.samples]) if row.isdigit()]
        forget = controls.forget_text(
            values[self.kind], selected(values[self.classes]), values[self.share], values[self.share_seed], rows
        )
        names = live.dataset(zoo.card(model).id).class_names
        return controls.to_config(
            model=model,
            forget=parse_forget(forget, names).text,
            method=method,
            preset=values[self.preset],
            variant=values[self.variant],
            values={name: values[part] for name, part in self.fields.get(method, {}).items()},
            seed=values[self.seed],
            device=values[self.device],
            precision=values[self.precision],
        )

    def fill(self, config: RunConfig, own: Sequence[str] = ()) -> dict[Any, Any]:
        """Updates that make the form describe `config`; the reverse of `read`. `own`: see `model_value`."""
        names = live.dataset(config.model).class_names
        spec = parse_forget(config.forget, names)
        kind = "class" if spec.classes else "random" if spec.share is not None else "samples"
        updates: dict[Any, Any] = {
            self.model: model_value(config.model, own),
            self.kind: kind,
            self.classes: class_value(config.model, [names[c] for c in spec.classes]),
            self.samples: sample_value(config.model, names[0], 0, [str(row) for row in spec.rows]),
            self.method: config.method,
            self.preset: gr.Dropdown(choices=preset_choices(config.model, config.method), value=config.preset),
            self.variant: config.variant,
            self.seed: config.seed,
            self.device: config.device,
            self.precision: config.precision,
            self.method_note: method_note(config.model, config.method, config.preset, config.forget.partition(":")[0]),
        }
        if spec.share is not None:
            updates |= {self.share: round(100 * spec.share, 6), self.share_seed: spec.seed}
        updates |= {part: config.settings[name] for name, part in self.fields[config.method].items()}
        updates |= {group: gr.update(visible=kind == name) for name, group in self.kinds.items()}
        for name, parts in self.groups.items():
            updates |= {part: gr.update(visible=name == config.method) for part in parts}
        return updates

    @property
    def outputs(self) -> list[Any]:
        """Everything that `fill` may update."""
        settings = [part for parts in self.fields.values() for part in parts.values()]
        groups = [part for parts in self.groups.values() for part in parts]
        parts = [self.model, self.kind, self.classes, self.share, self.share_seed, self.samples, self.method]
        parts += [self.preset, self.variant, self.seed, self.device, self.precision, self.method_note]
        return [*parts, *self.kinds.values(), *settings, *groups]


def selected(value: Any) -> list[str]:
    """The chosen ids of a picker's value, whatever a caller sent."""
    chosen = value.get("selected") if isinstance(value, Mapping) else None
    return [item for item in chosen if isinstance(item, str)] if isinstance(chosen, list) else []


def own_ids(value: Any) -> tuple[str, ...]:
    """The visitor's own models among a model picker's cards, as far as they are still open."""
    items = value.get("items") if isinstance(value, Mapping) else None
    found = []
    for item in items if isinstance(items, list) else []:
        name = item.get("id") if isinstance(item, Mapping) else None
        if isinstance(name, str) and name.startswith(zoo.OWN):
            with suppress(InputError):
                found.append(zoo.card(name).id)
    return tuple(found[: zoo.VISITORS_KEPT])


def model_value(chosen: str, own: Sequence[str] = ()) -> dict[str, Any]:
    """The model cards.

    Args:
        chosen: the selected one.
        own: a visitor's own models, shown after the shipped ones.
    """
    items = []
    for card in (*zoo.cards(), *map(zoo.card, own)):
        data = live.dataset(card.id)
        network = copy.ARCHITECTURES.get(card.architecture["name"], card.architecture["name"])
        items.append(
            {
                "id": card.id,
                "label": card.title,
                "detail": [
                    f"{copy.KINDS[card.kind]}, {network}, {copy.count(card.parameters)} parameters ({copy.size(card.bytes)})",
                    f"{copy.DATA_TITLES.get(card.dataset, card.dataset)}: {len(data.train):,} training, {len(data.test):,} test pictures; "
                    f"data {card.data_licence}",
                    f"Licence {card.licence}; {copy.SOURCES[card.source]}",
                ],
                "images": [
                    live.picture(card.id, "train", int(np.flatnonzero(data.train.labels == c)[0]))
                    for c in range(min(8, len(data.class_names)))
                ],
            }
        )
    return {"items": items, "selected": [chosen], "several": False, "legend": ""}


def class_value(model: str, chosen: list[str]) -> dict[str, Any]:
    """One card a class with its first training pictures."""
    data = live.dataset(model)
    items = []
    shown = max(1, min(PICTURES_PER_CLASS, PICTURES_IN_ALL // len(data.class_names)))
    for index, name in enumerate(data.class_names):
        rows = np.flatnonzero(data.train.labels == index)[:shown]
        images = [live.picture(model, "train", int(row)) for row in rows]
        items.append({"id": name, "label": name, "images": images})
    return {"items": items, "selected": chosen, "several": True, "legend": copy.CLASS_LEGEND}


def sample_value(model: str, class_name: str, page: int, chosen: list[str]) -> dict[str, Any]:
    """One page of the training pictures of a class."""
    data = live.dataset(model)
    rows = np.flatnonzero(data.train.labels == data.class_names.index(class_name))
    items = [
        {"id": str(row), "label": f"#{row}", "images": [live.picture(model, "train", int(row))]}
        for row in rows[page * PAGE : (page + 1) * PAGE]
    ]
    return {"items": items, "selected": chosen, "several": True, "legend": copy.SAMPLES_LEGEND}


def preset_choices(model: str, method: str) -> list[tuple[str, str]]:
    """Titles and ids of the presets."""
    return [(copy.PRESETS.get(name, name), name) for name in presets.preset_names(model, method)]


def method_note(model: str, method: str, preset: str, kind: str = "class") -> str:
    """What the method does, and where the preset's numbers come from."""
    spec = methods.METHODS[method]
    source = copy.SOURCE_OF_VALUES.format(source=presets.preset_source(model, method, preset, forget=f"{kind}:"))
    greyed = "".join(
        f'<p class="pg-greyed">{copy.CANNOT.format(title=methods.METHODS[name].title, reason=reason)}</p>'
        for name, reason in controls.cannot(zoo.card(model).kind).items()
    )
    return f'<div class="pg-note"><p>{spec.summary} <i>{spec.paper}.</i></p><details><summary>{copy.PRESET_SOURCE}</summary><p>{source}</p></details>{greyed}</div>'


def build(model: str) -> Form:
    """Draws the form with its defaults: Sneaker, SFR-on, quick, official."""
    data = live.dataset(model)
    script = theme.read("picker.js")

    def picker(value: dict[str, Any], elem_id: str) -> gr.HTML:
        return gr.HTML(
            value, html_template=PICKER, js_on_load=script, elem_id=elem_id, apply_default_css=False, padding=False
        )

    gr.HTML(f"<h3>{copy.MODEL_TITLE}</h3>", elem_classes="pg-step")
    model_part = picker(model_value(model), "model-picker")
    own_part = own.build()
    gr.HTML(f"<h3>{copy.FORGET_TITLE}</h3>", elem_classes="pg-step")
    kind = gr.Radio(
        [(title, name) for name, title in copy.FORGET_KINDS.items()],
        value="class",
        label=copy.FORGET_LABEL,
        show_label=False,
        container=False,
        elem_id="forget-kind",
    )
    default = "Sneaker" if "Sneaker" in data.class_names else data.class_names[0]
    kinds = {}
    with gr.Group(elem_id="forget-class") as kinds["class"]:
        classes = picker(class_value(model, [default]), "class-picker")
    with gr.Group(visible=False, elem_id="forget-random") as kinds["random"], gr.Row():
        share = gr.Slider(1, 50, value=10, step=1, label=copy.SHARE_LABEL, info=copy.SHARE_INFO, elem_id="share")
        share_seed = gr.Number(
            0, precision=0, label=copy.SHARE_SEED_LABEL, info=copy.SHARE_SEED_INFO, elem_id="share-seed"
        )
    page = gr.State(0)
    with gr.Group(visible=False, elem_id="forget-samples") as kinds["samples"]:
        with gr.Row():
            samples_class = gr.Dropdown(
                list(data.class_names), value=default, label=copy.SAMPLES_CLASS, elem_id="samples-class"
            )
            previous = gr.Button(copy.SAMPLES_PREVIOUS, size="sm", elem_id="samples-previous")
            following = gr.Button(copy.SAMPLES_NEXT, size="sm", elem_id="samples-next")
            nothing = gr.Button(copy.SAMPLES_CLEAR, size="sm", elem_id="samples-clear")
        samples = picker(sample_value(model, default, 0, []), "sample-picker")
        samples_note = gr.Markdown(copy.SAMPLES_NONE, elem_id="samples-note")
    gr.HTML(f"<h3>{copy.METHOD_TITLE}</h3>", elem_classes="pg-step")
    able = controls.cannot(zoo.card(model).kind)
    with gr.Row(equal_height=True):
        method = gr.Dropdown(
            [(spec.title, name) for name, spec in methods.METHODS.items() if name not in able],
            value="sfr-on",
            label=copy.METHOD_LABEL,
            filterable=False,
            min_width=130,
            elem_id="method",
        )
        preset = gr.Dropdown(
            preset_choices(model, "sfr-on"),
            value="quick",
            label=copy.PRESET_LABEL,
            filterable=False,
            min_width=110,
            elem_id="preset",
        )
        variant = gr.Dropdown(
            [(title, name) for name, title in copy.VARIANTS.items()],
            value="official",
            label=copy.VARIANT_LABEL,
            filterable=False,
            min_width=130,
            elem_id="variant",
        )
    note = gr.HTML(method_note(model, "sfr-on", "quick"), elem_id="method-note")
    fields, groups = _settings(model)
    with gr.Accordion(copy.ADVANCED_TITLE, open=False, elem_id="advanced"):
        for name in methods.METHODS:
            with gr.Row(visible=name == "sfr-on") as row:
                for part in fields[name].values():
                    if not part.is_rendered:
                        part.render()
            groups[name].append(row)
        with gr.Row():
            seed = gr.Number(0, precision=0, label=copy.SEED_LABEL, info=copy.SEED_INFO, min_width=150, elem_id="seed")
            device = gr.Dropdown(
                [(title, name) for name, title in copy.DEVICES.items()],
                value="auto",
                label=copy.DEVICE_LABEL,
                info=copy.DEVICE_INFO,
                filterable=False,
                min_width=150,
                elem_id="device",
            )
            precision = gr.Dropdown(
                [(title, name) for name, title in copy.PRECISIONS.items()],
                value="auto",
                label=copy.PRECISION_LABEL,
                info=copy.PRECISION_INFO,
                filterable=False,
                min_width=150,
                elem_id="precision",
            )
    form = Form(
        model_part, kind, classes, share, share_seed, samples, method, preset, variant, seed, device, precision,
        fields, groups, kinds, note, page, samples_class, samples_note, own_part.note,
    )  # fmt: skip
    form.inputs = {
        model_part, kind, classes, share, share_seed, samples, method, preset, variant, seed, device, precision,
        *(part for parts in fields.values() for part in parts.values()),
    }  # fmt: skip
    _wire(form, previous, following, nothing, own_part)
    return form


def _settings(model: str) -> tuple[dict[str, dict[str, Component]], dict[str, list[gr.Column | gr.Row]]]:
    """Components of every method's settings; the ablation switches are drawn here, the others by the accordion."""
    fields: dict[str, dict[str, Component]] = {}
    groups: dict[str, list[gr.Column | gr.Row]] = {}
    for name in methods.METHODS:
        values = presets.resolve(model, name)
        switches = [s for s in controls.settings_of(name) if s.group == "ablation"]
        parts: dict[str, Component] = {}
        groups[name] = []
        if switches:
            with gr.Column(visible=name == "sfr-on", elem_classes="pg-ablation", min_width=0) as column:
                gr.HTML(f'<div class="pg-note">{copy.ABLATION_TITLE}</div>')
                with gr.Row():
                    for setting in switches:
                        parts[setting.name] = controls.component(
                            setting, values[setting.name], f"set-{name}-{setting.name}"
                        )
            groups[name].append(column)
        for setting in controls.settings_of(name):
            if setting.group != "ablation":
                parts[setting.name] = controls.component(
                    setting, values[setting.name], f"set-{name}-{setting.name}", render=False
                )
        fields[name] = parts
    return fields, groups


def _wire(form: Form, previous: gr.Button, following: gr.Button, nothing: gr.Button, brought: own.OwnPart) -> None:
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}

    def show_kind(kind: str) -> list[Any]:
        return [gr.update(visible=kind == name) for name in form.kinds]

    form.kind.change(show_kind, form.kind, list(form.kinds.values()), **private)

    def turn(by: int) -> Callable[..., Any]:
        def handler(model: Any, class_name: str, page: int, picker: Any) -> tuple[dict[str, Any], int]:
            model_id, page = _known(model), page if isinstance(page, int) else 0
            labels = live.dataset(model_id).train.labels
            names = live.dataset(model_id).class_names
            name = class_name if class_name in names else names[0]
            pages = -(-int((labels == names.index(name)).sum()) // PAGE)
            at = (page + by) % pages if by else 0
            return sample_value(model_id, name, at, selected(picker)), at

        return handler

    paging = [form.model, form.samples_class, form.page, form.samples]
    previous.click(turn(-1), paging, [form.samples, form.page], **private)
    following.click(turn(1), paging, [form.samples, form.page], **private)
    form.samples_class.input(turn(0), paging, [form.samples, form.page], **private)

    def count(picker: Any) -> str:
        rows = sorted(int(row) for row in selected(picker) if row.isdigit())
        if not rows:
            return copy.SAMPLES_NONE
        words = ", ".join(f"#{row}" for row in rows[:12]) + (" …" if len(rows) > 12 else "")
        return copy.SAMPLES_COUNT.format(n=len(rows), rows=words)

    form.samples.input(count, form.samples, form.samples_note, **private)

    def clear(picker: Any) -> tuple[dict[str, Any], str]:
        value = dict(picker) if isinstance(picker, Mapping) else {"items": []}
        return {**value, "selected": []}, copy.SAMPLES_NONE

    nothing.click(clear, form.samples, [form.samples, form.samples_note], **private)

    def new_values(model: Any, method: str, preset: str, variant: str, kind: str) -> dict[Any, Any]:
        model_id = _known(model)
        names = presets.preset_names(model_id, method)
        preset = preset if preset in names else names[0]
        values = presets.resolve(model_id, method, preset, variant, forget=f"{kind}:")
        updates: dict[Any, Any] = {part: values[name] for name, part in form.fields[method].items()}
        for name, parts in form.groups.items():
            updates |= {part: gr.update(visible=name == method) for part in parts}
        updates[form.preset] = gr.Dropdown(choices=preset_choices(model_id, method), value=preset)
        updates[form.method_note] = method_note(model_id, method, preset, kind)
        return updates

    choices = [form.model, form.method, form.preset, form.variant, form.kind]
    valued = [
        *(part for parts in form.fields.values() for part in parts.values()),
        *(part for parts in form.groups.values() for part in parts),
        form.preset,
        form.method_note,
    ]
    gr.on(
        [form.method.input, form.preset.input, form.variant.input, form.kind.input, form.model.input],
        new_values,
        choices,
        valued,
        **private,
    )

    def new_model(model: Any) -> tuple[Any, ...]:
        model_id = _known(model)
        names = live.dataset(model_id).class_names
        return (
            class_value(model_id, [names[0]]),
            gr.Dropdown(choices=list(names), value=names[0]),
            sample_value(model_id, names[0], 0, []),
            0,
        )

    pickers = [form.classes, form.samples_class, form.samples, form.page]
    form.model.input(new_model, form.model, pickers, **private)

    def open_own(
        data: Any, weights: Any, name: Any, size: Any, model: Any, method: str, preset: str, variant: str, kind: str
    ) -> dict[Any, Any]:
        try:
            card = own.open_files(data, weights, name, size)
        except PlaygroundError as error:
            raise say(error) from None
        value = model_value(card.id, [*own_ids(model), card.id])
        return {
            form.model: value,
            **dict(zip(pickers, new_model(value), strict=True)),
            **new_values(value, method, preset, variant, kind),
            form.samples_note: copy.SAMPLES_NONE,
            form.own_note: own.opened_html(card),
        }

    if brought.button is not None:
        # Queued, or the page would not show the sentence of an error; one at a time, for reading a zip takes memory.
        brought.button.click(
            open_own,
            [*brought.inputs, *choices],
            [form.model, *pickers, *valued, form.samples_note, form.own_note],
            api_visibility="private",
            show_progress="minimal",
            show_progress_on=brought.button,
            concurrency_limit=1,
        )


def _known(model: Any) -> str:
    """The chosen model's id, the first one where a caller sent something else."""
    chosen = selected(model)
    try:
        return zoo.card(chosen[0]).id if chosen else zoo.cards()[0].id
    except InputError:
        return zoo.cards()[0].id
