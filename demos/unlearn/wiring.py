"""What the parts of the form do to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from demos.context import LAST, QUICK, say
from demos.pictures import inline
from demos.render import render
from demos.text import unlearn as copy
from demos.unlearn import cards, own
from demos.unlearn import hub_panel as hub
from demos.unlearn import options as show
from demos.unlearn.form import Form
from sfr_core.errors import PlaygroundError


def wire(
    form: Form,
    previous: gr.Button,
    following: gr.Button,
    nothing: gr.Button,
    brought: own.OwnPart,
    of_hub: hub.HubPart | None,
) -> None:
    """Connects everything inside the form."""
    _wire_samples(form, previous, following, nothing)
    _wire_concepts(form)

    def show_kind(kind: str) -> list[Any]:
        return [gr.update(visible=kind == name) for name in form.kinds]

    form.kind.change(show_kind, form.kind, list(form.kinds.values()), **QUICK)

    def new_model(model: Any, settings: Any, kind: str) -> dict[Any, Any]:
        model_id = show.known(model)
        names, first = inline.dataset(model_id).pictured, show.first_class(model_id)
        concept = show.first_concept(model_id)
        kinds = show.kinds_of(model_id)
        kind = kind if kind in kinds else kinds[0]
        chosen = cards.class_value(model_id, [first])
        return {
            **form.offered({form.model: model, form.settings: settings, form.kind: kind, form.classes: chosen}),
            form.kind: show.kind_update(model_id, kind),
            form.kind_note: show.forget_note(model_id),
            form.data: gr.Radio(value="shipped", visible=show.chooses_data(model_id)),
            form.classes: chosen,
            form.concepts: cards.concept_value(model_id, concept),
            form.concept_own: show.own_concept_value(model_id, ""),
            form.redirect: show.redirect_value(model_id, show.redirects(model_id).get(concept, "")),
            form.redirects_note: show.redirects_note(model_id, concept),
            form.samples_class: gr.Dropdown(choices=list(names), value=first),
            form.samples: cards.sample_value(model_id, first, 0, []),
            form.samples_note: copy.SAMPLES_NONE,
            form.page: 0,
        }

    choices = [form.model, form.settings, form.kind]
    changed = [
        form.kind,
        form.kind_note,
        form.data,
        form.classes,
        form.samples_class,
        form.samples,
        form.samples_note,
        form.page,
    ]
    changed += [form.concepts, form.concept_own, form.redirect, form.redirects_note, form.settings, form.redirect_note]

    def chosen_anew(model: Any, settings: Any, kind: str) -> dict[Any, Any]:
        """Nothing where the form is that model's already: the event may be said again (`LAST`), and the visitor's classes would be lost."""
        if isinstance(settings, Mapping) and settings.get("model") == show.known(model):
            return {form.settings: gr.skip()}
        return new_model(model, settings, kind)

    form.filled.append(form.model.input(chosen_anew, choices, changed, **LAST))

    def open_own(data: Any, weights: Any, name: Any, size: Any, model: Any, settings: Any, kind: str) -> dict[Any, Any]:
        try:
            card = own.open_files(data, weights, name, size)
        except PlaygroundError as error:
            raise say(error) from None
        value = cards.model_value(card.id, [*show.own_ids(model), card.id])
        return {form.model: value, **new_model(value, settings, kind), form.own_note: own.opened_html(card)}

    def open_of_hub(opened: str, model: Any, settings: Any, kind: str) -> dict[Any, Any]:
        ids = show.own_ids(model)
        value = cards.model_value(opened, [*ids, *([opened] if opened not in ids else [])])
        # Never the same twice, so that the page takes notice of a model that nobody clicked.
        return {form.model: value, **new_model(value, settings, kind), form.own_note: render("mark.html", model=opened)}

    if of_hub is not None:
        form.filled.append(of_hub.wire(choices, open_of_hub, [form.model, *changed, form.own_note]))
    if brought.button is not None:
        # Queued, or the page would not show the sentence of an error; one at a time, for reading a zip takes memory.
        opened = brought.button.click(
            open_own,
            [*brought.inputs, *choices],
            [form.model, *changed, form.own_note],
            api_visibility="private",
            show_progress="minimal",
            show_progress_on=brought.button,
            concurrency_limit=1,
        )
        form.filled.append(opened)


def _wire_concepts(form: Form) -> None:
    def follow(model: Any, picker: Any, text: Any) -> Any:
        """Another concept brings its own redirection, unless the visitor has written one."""
        prompts = show.redirects(show.known(model))
        chosen = (show.selected(picker) or [""])[0]
        if chosen not in prompts:
            return gr.skip(), gr.skip()
        written = str(text or "").strip() not in {"", *prompts.values()}
        return gr.skip() if written else prompts[chosen], show.redirects_note(show.known(model), chosen)

    form.concepts.input(
        follow, [form.model, form.concepts, form.redirect], [form.redirect, form.redirects_note], **LAST
    )


def _wire_samples(form: Form, previous: gr.Button, following: gr.Button, nothing: gr.Button) -> None:
    def turn(by: int) -> Callable[..., Any]:
        def handler(model: Any, class_name: str, page: int) -> tuple[dict[str, Any], int]:
            model_id, page = show.known(model), page if isinstance(page, int) else 0
            labels = inline.dataset(model_id).train.labels
            names = inline.dataset(model_id).class_names
            name = class_name if class_name in names else inline.dataset(model_id).pictured[0]
            pages = max(1, -(-int((labels == names.index(name)).sum()) // cards.PAGE))
            at = (page + by) % pages if by else 0
            return cards.sample_value(model_id, name, at), at

        return handler

    paging = [form.model, form.samples_class, form.page]
    previous.click(turn(-1), paging, [form.samples, form.page], **QUICK)
    following.click(turn(1), paging, [form.samples, form.page], **QUICK)
    form.samples_class.change(turn(0), paging, [form.samples, form.page], **LAST)

    def count(picker: Any) -> str:
        rows = sorted(int(row) for row in show.selected(picker) if row.isdigit())
        if not rows:
            return copy.SAMPLES_NONE
        words = ", ".join(f"#{row}" for row in rows[:12]) + (" …" if len(rows) > 12 else "")
        return copy.SAMPLES_COUNT.format(n=len(rows), rows=words)

    form.samples.input(count, form.samples, form.samples_note, **LAST)

    def clear(picker: Any) -> tuple[dict[str, Any], str]:
        value = dict(picker) if isinstance(picker, Mapping) else {"items": []}
        return {**value, "selected": []}, copy.SAMPLES_NONE

    nothing.click(clear, form.samples, [form.samples, form.samples_note], **QUICK)
