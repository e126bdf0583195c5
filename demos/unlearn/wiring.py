"""What the parts of the form do to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gradio as gr

from demos.context import LAST, PRIVATE, QUEUED, QUICK, PageContext, say
from demos.pictures import inline
from demos.result.page import Fill, Wanted
from demos.text import unlearn as copy
from demos.unlearn import cards
from demos.unlearn import options as show
from demos.unlearn.form import Form
from sfr_core.errors import PlaygroundError

SHOW_FORM = """() => {
  document.querySelector('#tab-unlearn-button')?.click();
  setTimeout(() => {
    document.querySelector('#setup')?.scrollIntoView({block: 'start'});
    document.querySelector('#unlearn')?.focus({preventScroll: window.innerWidth >= 760});
  }, 120);
}"""
"""What was filled comes into sight, from the tab Runs too."""


def wire(form: Form, previous: gr.Button, following: gr.Button, nothing: gr.Button) -> None:
    """Connects everything inside the form."""
    _wire_samples(form, previous, following, nothing)
    _wire_concepts(form)

    def show_kind(kind: str) -> list[Any]:
        return [gr.update(visible=kind == name) for name in form.kinds]

    form.kind.change(show_kind, form.kind, list(form.kinds.values()), **QUICK)

    def chosen_anew(model: Any, settings: Any, kind: str) -> dict[Any, Any]:
        """Nothing where the form is that model's already: the event may be said again (`LAST`), and the visitor's classes would be lost."""
        if isinstance(settings, Mapping) and settings.get("model") == show.known(model):
            return {form.settings: gr.skip()}
        return form.new_model(model, settings, kind)

    form.filled.append(form.model.input(chosen_anew, form.choices, form.of_model, **LAST))


def filling(form: Form, ctx: PageContext) -> Fill:
    """Lets an event fill the form with the run that it asks for; nothing starts, and the focus moves to Unlearn."""

    def fill(event: Callable[..., Any], wanted: Wanted) -> None:
        def handler(browser: Any, model: Any, told: gr.EventData) -> dict[Any, Any]:
            try:
                run = wanted(browser, told._data if isinstance(told._data, Mapping) else {})
            except PlaygroundError as error:
                raise say(error) from None
            return form.fill(run, show.opened_ids(model))

        filled = event(handler, [ctx.browser, form.model], form.outputs, **QUEUED)
        filled.success(None, js=SHOW_FORM, **PRIVATE)
        filled.then(*form.describing, **LAST)

    return fill


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

    def count(model: Any, picker: Any) -> str:
        data = inline.dataset(show.known(model))
        return cards.rows_note(data, sorted(row for row in show.rows_of(picker) if row < len(data.train)))

    form.samples.input(count, [form.model, form.samples], form.samples_note, **LAST)

    def clear(picker: Any) -> tuple[dict[str, Any], str]:
        value = dict(picker) if isinstance(picker, Mapping) else {"items": []}
        return {**value, "selected": []}, copy.SAMPLES_NONE

    nothing.click(clear, form.samples, [form.samples, form.samples_note], **QUICK)
