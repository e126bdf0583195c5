"""The form of the tab Unlearn: its components, the run that they describe, and the reverse."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import gradio as gr

from demos.pictures import inline
from demos.text import unlearn as copy
from demos.unlearn import cards
from demos.unlearn import options as show
from demos.unlearn import settings as controls
from demos.unlearn.form_settings import Chosen, offered
from sfr_core import presets
from sfr_core.plan import RunPlan, plan
from sfr_core.zoo import shipped as zoo

Component = gr.components.Component


@dataclass(slots=True)
class Form:
    """Components of the form.

    Attributes:
        opened: changes when a model that is no shipped one was opened; the form is whole then.
        filled: listeners that fill in what follows from a choice; `.then` of them the form is whole.
        describing: what then says of the whole form: function, inputs and outputs of a listener.
    """

    model: gr.HTML
    kind: gr.Radio
    classes: gr.HTML
    share: gr.Slider
    share_seed: gr.Number
    samples: gr.HTML
    concepts: gr.HTML
    concept_own: gr.Textbox
    redirect: gr.Textbox
    redirects_note: gr.HTML
    redirect_note: gr.HTML
    settings: gr.HTML
    kinds: dict[str, gr.Group]
    kind_note: gr.HTML
    data: gr.Radio
    page: gr.State
    samples_class: gr.Dropdown
    samples_note: gr.Markdown
    opened: gr.State
    inputs: set[Component] = field(default_factory=set)
    filled: list[Any] = field(default_factory=list)
    describing: tuple[Any, ...] = ()

    def read(self, values: Mapping[Component, Any]) -> RunPlan:
        """The run that the form describes, its forget set in the canonical spelling.

        Raises:
            InputError: something is missing, unknown or out of range.
        """
        model = (show.selected(values[self.model]) or [""])[0]
        rows = show.rows_of(values[self.samples])
        card = zoo.card(model)
        kinds = show.kinds_of(card.id)
        kind = values[self.kind] if values[self.kind] in kinds else kinds[0]
        names = show.selected(values[self.concepts if kind == "concept" else self.classes])
        if kind == "concept":
            names = show.own_concept(card.id, values[self.concept_own]) or names
        forget = controls.forget_text(kind, names, values[self.share], values[self.share_seed], rows)
        redirect = show.redirect_of(card.id, names[0], values[self.redirect]) if kind == "concept" else ""
        config = Chosen.of(values[self.settings], card.id).config(
            forget=forget, data=show.data_of(card.id, values[self.data]), redirect=redirect
        )
        run = plan(config, card=card)
        return replace(run, config=replace(run.config, forget=run.forget.spec.text))

    def offered(self, values: Mapping[Component, Any]) -> dict[Any, Any]:
        """Updates that show the settings of the choice of model, method, preset, variant, and kind or class to forget."""
        model = show.known(values[self.model])
        chosen = Chosen.of(values[self.settings], model)
        scope = show.scope(model, chosen.method, values[self.kind], values[self.classes])
        return {self.settings: offered(chosen, scope), self.redirect_note: show.redirect_note(chosen.method)}

    def fill(self, run: RunPlan, opened: Sequence[str] = ()) -> dict[Any, Any]:
        """Updates that make the form describe a run; the reverse of `read`. `opened`: see `cards.model_value`."""
        config, spec = run.config, run.forget.spec
        names = [] if spec.concept else [run.forget.names[c] for c in spec.classes]
        kind = config.forget.strip().partition(":")[0]
        scope = presets.forget_scope(config.model, config.method, config.forget, kind=show.kind_of(config.model))
        data = config.data if show.chooses_data(config.model) else "shipped"
        updates: dict[Any, Any] = {
            self.model: cards.model_value(config.model, opened),
            self.kind: show.kind_update(config.model, kind),
            self.kind_note: show.forget_note(config.model),
            self.data: gr.Radio(value=data, visible=show.chooses_data(config.model)),
            self.classes: cards.class_value(config.model, names),
            self.samples: cards.sample_value(
                config.model, inline.dataset(config.model).pictured[0], 0, [str(row) for row in spec.rows]
            ),
            self.concepts: cards.concept_value(config.model, spec.concept),
            self.concept_own: show.own_concept_value(config.model, spec.concept),
            self.redirect: show.redirect_value(
                config.model, config.redirect or show.default_redirect(config.model, spec.concept)
            ),
            self.redirects_note: show.redirects_note(config.model, spec.concept),
            self.redirect_note: show.redirect_note(config.method),
            self.settings: offered(Chosen.of_config(config), scope, filled=True),
        }
        if spec.share is not None:
            updates |= {self.share: round(100 * spec.share, 6), self.share_seed: spec.seed}
        updates |= {group: gr.update(visible=kind == name) for name, group in self.kinds.items()}
        return updates

    @property
    def choices(self) -> list[Component]:
        """What `new_model` is told of the form as it is."""
        return [self.model, self.settings, self.kind]

    @property
    def of_model(self) -> list[Component]:
        """Everything that `with_model` may update."""
        return [
            self.model, self.opened, self.kind, self.kind_note, self.data, self.classes, self.concepts, self.concept_own, self.redirect,
            self.redirects_note, self.redirect_note, self.samples_class, self.samples, self.samples_note, self.page, self.settings,
        ]  # fmt: skip

    def with_model(self, opened: str, model: Any, settings: Any, kind: str) -> dict[Any, Any]:
        """Updates that put a model that was opened among the cards and choose it; see `new_model`."""
        value = cards.model_value(opened, tuple(dict.fromkeys([*show.opened_ids(model), opened])))
        return {self.model: value, self.opened: secrets.token_hex(4), **self.new_model(value, settings, kind)}

    def new_model(self, model: Any, settings: Any, kind: str) -> dict[Any, Any]:
        """Updates that fill in what a chosen model brings: what it can forget, its classes, pictures, concepts and settings.

        Args:
            model, settings, kind: values of `choices`.
        """
        model_id = show.known(model)
        names, first = inline.dataset(model_id).pictured, show.first_class(model_id)
        concept = show.first_concept(model_id)
        kinds = show.kinds_of(model_id)
        kind = kind if kind in kinds else kinds[0]
        chosen = cards.class_value(model_id, [first])
        return {
            **self.offered({self.model: model, self.settings: settings, self.kind: kind, self.classes: chosen}),
            self.kind: show.kind_update(model_id, kind),
            self.kind_note: show.forget_note(model_id),
            self.data: gr.Radio(value="shipped", visible=show.chooses_data(model_id)),
            self.classes: chosen,
            self.concepts: cards.concept_value(model_id, concept),
            self.concept_own: show.own_concept_value(model_id, ""),
            self.redirect: show.redirect_value(model_id, show.redirects(model_id).get(concept, "")),
            self.redirects_note: show.redirects_note(model_id, concept),
            self.samples_class: gr.Dropdown(choices=list(names), value=first),
            self.samples: cards.sample_value(model_id, first, 0, []),
            self.samples_note: copy.SAMPLES_NONE,
            self.page: 0,
        }

    @property
    def outputs(self) -> list[Any]:
        """Everything that `fill` may update."""
        parts = (
            self.model, self.kind, self.kind_note, self.data, self.classes, self.share, self.share_seed, self.samples, self.concepts,
            self.concept_own, self.redirect, self.redirects_note, self.redirect_note, self.settings,
        )  # fmt: skip
        return [*parts, *self.kinds.values()]
