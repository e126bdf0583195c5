"""What the parts of the form do to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import gradio as gr

from demos import copy, live
from demos.pages import form_cards as cards
from demos.pages import form_values as show
from demos.pages import hub, own
from demos.pages.context import LAST, QUICK, say
from demos.pages.form import Form, settings_key
from sfr_core import presets
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

    def asked_anew(
        settled: Any, classes: Any, model: Any, method: str, preset: str, variant: str, kind: str
    ) -> dict[Any, Any]:
        """A drop-down that is only passed by keyboard says "input" too: what was set by hand must stay then."""
        model_id = show.known(model)
        scope = show.scope(model_id, method, kind, classes)
        if settled == [model_id, method, preset, variant, scope]:
            return {form.settled: gr.skip()}
        return new_values(model_id, method, preset, variant, scope)

    def new_values(model_id: str, method: str, preset: str, variant: str, scope: str) -> dict[Any, Any]:
        model_kind = show.kind_of(model_id)
        names = presets.preset_names(model_id, method, kind=model_kind)
        kept = preset in names
        preset = preset if kept else names[0]
        values = presets.resolve(model_id, method, preset, variant, forget=scope, kind=model_kind)
        return {
            **form.shown_settings(method, model_kind, values),
            # No value where it stays: the visitor may have chosen another one meanwhile.
            form.preset: gr.update(
                choices=show.preset_choices(model_id, method), **({} if kept else {"value": preset})
            ),
            form.method_note: show.method_note(model_id, method, preset, scope),
            form.redirect_note: show.redirect_note(method),
            form.settled: [model_id, method, preset, variant, scope],
        }

    choices = [form.model, form.method, form.preset, form.variant, form.kind]
    valued = [*form.valued, form.preset, form.method_note, form.redirect_note, form.settled]
    asked = gr.on(
        [form.method.input, form.preset.input, form.variant.input, form.kind.input],
        asked_anew,
        [form.settled, form.classes, *choices],
        valued,
        **LAST,
    )

    def new_class(
        settled: Any, classes: Any, model: Any, method: str, preset: str, variant: str, kind: str
    ) -> dict[Any, Any]:
        """Only what the presets say otherwise of this class: what was set by hand stays."""
        model_id = show.known(model)
        scope = show.scope(model_id, method, kind, classes)
        chosen = [model_id, method, preset, variant]
        if not isinstance(settled, list) or settled[:4] != chosen or settled[4:] in ([], [scope]):
            # Nothing to do; or another answer fills in the form just now, and asks again after it.
            return {form.settled: gr.skip()}
        model_kind = show.kind_of(model_id)
        was, now = (presets.resolve(*chosen, forget=forget, kind=model_kind) for forget in (str(settled[4]), scope))
        fields = form.fields[settings_key(method, model_kind)]
        return {
            **{fields[name]: value for name, value in now.items() if value != was[name]},
            form.method_note: show.method_note(model_id, method, preset, scope),
            form.settled: [*chosen, scope],
        }

    classed: tuple[Any, ...] = (new_class, [form.settled, form.classes, *choices], valued)
    form.filled.append(form.classes.input(*classed, **LAST))

    def then_class(listener: Any) -> None:
        """A class that is chosen while this listener's answer is under way is looked at after it."""
        form.filled.append(listener.then(*classed, **LAST))

    then_class(asked)

    def new_model(model: Any, method: str, preset: str, variant: str, kind: str) -> dict[Any, Any]:
        model_id = show.known(model)
        names, first = live.dataset(model_id).pictured, show.first_class(model_id)
        concept = show.first_concept(model_id)
        able = show.method_choices(model_id)
        if method not in [name for _, name in able]:
            method = able[0][1]
        kinds = show.kinds_of(model_id)
        kind = kind if kind in kinds else kinds[0]
        chosen = cards.class_value(model_id, [first])
        return {
            **new_values(model_id, method, preset, variant, show.scope(model_id, method, kind, chosen)),
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
            form.method: gr.Dropdown(choices=able, value=method),
        }

    changed = [form.kind, form.kind_note, form.data, form.classes, form.samples_class, form.samples, form.samples_note]
    changed += [form.page, form.method, form.concepts, form.concept_own, form.redirect, form.redirects_note, *valued]

    def chosen_anew(settled: Any, *choice: Any) -> dict[Any, Any]:
        """Nothing where the form is that model's already: the event may be said again (`LAST`), and the visitor's classes would be lost."""
        return {form.settled: gr.skip()} if show.known(choice[0]) == (settled or [None])[0] else new_model(*choice)

    then_class(form.model.input(chosen_anew, [form.settled, *choices], changed, **LAST))

    def open_own(
        data: Any, weights: Any, name: Any, size: Any, model: Any, method: str, preset: str, variant: str, kind: str
    ) -> dict[Any, Any]:
        try:
            card = own.open_files(data, weights, name, size)
        except PlaygroundError as error:
            raise say(error) from None
        value = cards.model_value(card.id, [*show.own_ids(model), card.id])
        return {
            form.model: value,
            **new_model(value, method, preset, variant, kind),
            form.own_note: own.opened_html(card),
        }

    def open_of_hub(opened: str, model: Any, method: str, preset: str, variant: str, kind: str) -> dict[Any, Any]:
        ids = show.own_ids(model)
        value = cards.model_value(opened, [*ids, *([opened] if opened not in ids else [])])
        changes = new_model(value, method, preset, variant, kind)
        # Never the same twice, so that the page takes notice of a model that nobody clicked.
        return {form.model: value, **changes, form.own_note: f'<span hidden data-model="{escape(opened)}"></span>'}

    if of_hub is not None:
        then_class(of_hub.wire(choices, open_of_hub, [form.model, *changed, form.own_note]))
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
        then_class(opened)


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
            labels = live.dataset(model_id).train.labels
            names = live.dataset(model_id).class_names
            name = class_name if class_name in names else live.dataset(model_id).pictured[0]
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
