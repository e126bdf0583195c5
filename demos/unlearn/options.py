"""What the parts of the form offer and say: kinds of forget sets, redirections, methods. No layout, no wiring (cards: form_cards.py)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import gradio as gr

from demos.pictures import inline
from demos.render import folded_note, form_note, render
from demos.text import unlearn as copy
from demos.unlearn import settings as controls
from sfr_core import catalog, presets
from sfr_core.configs import MAX_PROMPT
from sfr_core.data.concepts import plan_prompts, read_concepts
from sfr_core.data.splits import ForgetSpec
from sfr_core.errors import InputError, SpecError
from sfr_core.kinds import KINDS
from sfr_core.zoo import shipped as zoo

ROW = re.compile(r"[0-9]{1,9}")
FIRST_CHOICE = "Sneaker"
"""What is chosen to be forgotten at first, where a model retrained without it is shipped."""


def selected(value: Any) -> list[str]:
    """The chosen ids of a picker's value, whatever a caller sent."""
    chosen = value.get("selected") if isinstance(value, Mapping) else None
    return [item for item in chosen if isinstance(item, str)] if isinstance(chosen, list) else []


def rows_of(value: Any) -> list[int]:
    """Row numbers that are chosen in a picker of pictures."""
    return [int(item) for item in selected(value) if ROW.fullmatch(item)]


def known(model: Any) -> str:
    """The chosen model's id, the first one where a caller sent something else."""
    chosen = selected(model)
    try:
        return zoo.card(chosen[0]).id if chosen else first_model()
    except InputError:
        return first_model()


def shipped_models() -> list[str]:
    """Identifiers of the shipped models, in the order of their kinds."""
    return [card.id for card in sorted(zoo.cards(), key=lambda card: list(KINDS).index(card.kind))]


def first_model() -> str:
    """The model that the page opens on: the first one of the first kind, which answers within seconds."""
    cards = zoo.cards()
    return min(cards, key=lambda card: KINDS[card.kind].order).id


def kind_of(model: str) -> str:
    """ModelCard.kind of a model that the page knows."""
    return zoo.card(model).kind


def opened_ids(value: Any) -> tuple[str, ...]:
    """What is no shipped model among a model picker's cards: the visitor's uploads and models of the Hub, as far as still open."""
    opened = value.get("opened") if isinstance(value, Mapping) else None
    found = []
    for name in opened if isinstance(opened, list) else []:
        if isinstance(name, str) and name.startswith((zoo.OWN, zoo.HUB)):
            with suppress(InputError):
                found.append(zoo.card(name).id)
    uploaded = [name for name in found if name.startswith(zoo.OWN)]
    return tuple(name for name in found if name not in uploaded[zoo.VISITORS_KEPT :])


def first_class(model: str) -> str:
    """The class that is chosen at first: one whose retrained model is shipped, so that there is something to compare with."""
    card = zoo.card(model)
    names = inline.dataset(model).pictured
    reference = [name for name in names if zoo.retrained_model(card, f"class:{name}") is not None]
    if FIRST_CHOICE in (reference or names):
        return FIRST_CHOICE
    return reference[0] if reference else names[0]


def kinds_of(model: str) -> tuple[str, ...]:
    """What this model can forget."""
    return KINDS[kind_of(model)].forgets


def kind_choices() -> list[tuple[str, str]]:
    """Titles and ids of what any model can forget; where there are several the page shows all but the concept (page.css).

    All of them at any time: Gradio refuses an event that was sent before an answer took its choice away (6.31), and it would be lost.
    """
    return [(title, name) for name, title in copy.FORGET_KINDS.items()]


def kind_update(model: str, kind: str) -> gr.Radio:
    """The choice of what can be forgotten, hidden where there is none."""
    return gr.Radio(choices=kind_choices(), value=kind, visible=len(kinds_of(model)) > 1)


def forget_note(model: str) -> str:
    """Why only some kinds of forget set are offered, and where the pictures of a run come from; "" where all are offered."""
    if len(kinds_of(model)) > 1:
        return ""
    text = copy.FORGET_CONCEPT if KINDS[kind_of(model)].prompts else copy.FORGET_GENERATOR
    text = f"{text} {copy.DATA_SOURCE_INFO if chooses_data(model) else copy.DATA_FREE_ONLY}"
    return folded_note(copy.FORGET_WHY, text)


def chooses_data(model: str) -> bool:
    """True where the pictures of a run may be shipped ones or the model's own samples."""
    return KINDS[kind_of(model)].draws and len(inline.dataset(model).train) > 0


def data_of(model: str, chosen: Any) -> str:
    """RunConfig.data for what the form says; where there is no choice, the only one."""
    if chooses_data(model):
        return str(chosen)
    return "data-free" if KINDS[kind_of(model)].draws else "shipped"


def first_concept(model: str) -> str:
    """The concept that is chosen at first; "" for a model that forgets none."""
    return next(iter(redirects(model)), "")


def takes_own_words(model: str) -> bool:
    """Whether any text can be forgotten, not only the concepts of a list."""
    card = zoo.card(model)
    if not KINDS[card.kind].prompts:
        return False
    listed = read_concepts(card.folder)
    return listed.open or not (listed.concepts or listed.fixed)


def own_concept(model: str, text: Any) -> list[str]:
    """The concept that a visitor wrote, as the only chosen one; empty where there is none or the model takes none."""
    words = " ".join(text.split()) if isinstance(text, str) else ""
    return [words] if words and takes_own_words(model) else []


def own_concept_value(model: str, concept: str) -> gr.Textbox:
    """The field for a concept in one's own words, holding `concept` where no card shows it."""
    value = "" if not concept or concept in redirects(model) else concept
    return gr.Textbox(
        value=value, label=copy.CONCEPT_OWN_LABEL, info=copy.CONCEPT_OWN_INFO, max_lines=1,
        visible=takes_own_words(model), elem_id="concept-own",
    )  # fmt: skip


def default_redirect(model: str, concept: str) -> str:
    """What is drawn instead of a concept where nobody says otherwise; "" for a model that reads no prompts.

    Raises:
        UnknownName: the model knows no such concept.
    """
    card = zoo.card(model)
    if not KINDS[card.kind].prompts or not concept:
        return ""
    return plan_prompts(read_concepts(card.folder), ForgetSpec(text="", concept=concept)).redirect


def redirects(model: str) -> dict[str, str]:
    """What is drawn instead of each concept where nobody says otherwise; empty for a model that reads no prompts."""
    card = zoo.card(model)
    if not KINDS[card.kind].prompts:
        return {}
    listed = read_concepts(card.folder)
    return {name: plan_prompts(listed, ForgetSpec(text="", concept=name)).redirect for name in listed.offered}


def redirects_note(model: str, concept: str) -> str:
    """What the field does not show: that each prompt of the concept has a redirection of its own; "" where all share one."""
    card = zoo.card(model)
    if not KINDS[card.kind].prompts or not concept:
        return ""
    plan = plan_prompts(read_concepts(card.folder), ForgetSpec(text="", concept=concept))
    if not plan.redirects:
        return ""
    last = len(plan.redirects) - 1
    text = copy.REDIRECT_EACH.format(asked=plan.prompts[last].text, instead=plan.redirects[last])
    return form_note(text)


def redirect_value(model: str, prompt: str) -> gr.Textbox:
    """The text field of the redirection, which a public page may have to lock."""
    locked = KINDS[kind_of(model)].prompts and read_concepts(zoo.card(model).folder).fixed
    return gr.Textbox(value=prompt, interactive=not locked)


def redirect_of(model: str, concept: str, text: Any) -> str:
    """RunConfig.redirect for what the text field holds: "" where it is the concept's own default.

    Raises:
        UnknownName: no such concept. SpecError: the text is empty or too long.
    """
    prompt = " ".join(text.split()) if isinstance(text, str) else ""
    default = default_redirect(model, concept)
    if not prompt:
        raise SpecError(copy.REDIRECT_EMPTY, hint=copy.REDIRECT_EMPTY_HINT.format(prompt=default))
    if len(prompt) > MAX_PROMPT:
        raise SpecError(copy.REDIRECT_LONG.format(n=len(prompt), most=MAX_PROMPT), hint=copy.REDIRECT_LONG_HINT)
    return "" if prompt == default else prompt


def redirect_note(method: str) -> str:
    """Whether the method makes use of the redirection."""
    if any(spec.redirects for spec in catalog.rows_of(method)):
        return ""
    return form_note(copy.REDIRECT_UNUSED.format(method=catalog.title_of(method)))


def first_method(model: str) -> str:
    """The method that the page offers first for this model."""
    return presets.default_method(model, kind=kind_of(model))


def method_choices(model: str) -> list[tuple[str, str]]:
    """Titles and ids of the methods that this model can do."""
    return [(spec.title, name) for name, spec in catalog.able(kind_of(model)).items()]


def preset_choices(model: str, method: str) -> list[tuple[str, str]]:
    """Titles and ids of the presets."""
    names = presets.preset_names(model, method, kind=kind_of(model))
    return [(copy.PRESETS.get(name, name), name) for name in names]


def scope(model: str, method: str, kind: str, classes: Any) -> str:
    """What of the forget set the settings depend on: its kind, or the only chosen class where the presets have rows for it."""
    kind = kind if kind in kinds_of(model) else kinds_of(model)[0]
    chosen = selected(classes) if kind == "class" else []
    forget = f"{kind}:{chosen[0]}" if len(chosen) == 1 else f"{kind}:"
    return presets.forget_scope(model, method, forget, kind=kind_of(model))


def method_note(model: str, method: str, preset: str, forget: str = "class:") -> str:
    """What the method does, where the preset's numbers come from, and what this model cannot do."""
    model_kind = kind_of(model)
    spec = catalog.spec_of(method, model_kind)
    values = presets.resolve(model, method, preset, forget=forget, kind=model_kind)
    said = [copy.WAY_LEFT] if values.get("forget_loss") == "relative" else []
    said += [copy.DIPS] if values.get("remain_loss") == "recall" else []
    unable = controls.cannot(model_kind).items()
    return render(
        "method_note.html",
        T=copy,
        summary=spec.summary,
        paper=spec.paper,
        losses=said,
        source=presets.preset_source(model, method, preset, forget=forget, kind=model_kind),
        cannot=[copy.CANNOT.format(title=catalog.title_of(name), reason=reason) for name, reason in unable],
    )
