"""The form of the tab Unlearn: its components, the run that they describe, and the reverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from demos import controls, copy, live
from demos.asked import asked
from demos.pages import form_cards as cards
from demos.pages import form_values as show
from sfr_core import catalog, presets, zoo
from sfr_core.configs import RunConfig
from sfr_core.data.splits import parse_forget
from sfr_core.errors import InputError

Component = gr.components.Component


def settings_key(method: str, model_kind: str) -> str:
    """Which set of components holds the settings of a method: kinds of models that share a config share them.

    Raises:
        InputError: this kind of model cannot do the method.
    """
    return f"{method}/{catalog.spec_of(method, model_kind).config_cls.__name__}"


@dataclass(slots=True)
class Form:
    """Components of the form; `fields[settings_key(method, kind)][name]` holds one setting.

    `filled`: listeners that fill in what follows from a choice; `.then` of them the form is whole.
    `settled`: model, method, preset, variant and scope of the forget set (`form_values.scope`) whose settings were filled in last.
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
    method: gr.Dropdown
    preset: gr.Dropdown
    variant: gr.Dropdown
    seed: gr.Number
    device: gr.Dropdown
    precision: gr.Dropdown
    memory: gr.Dropdown
    fields: dict[str, dict[str, Component]]
    groups: dict[str, list[gr.Column | gr.Row]]
    kinds: dict[str, gr.Group]
    kind_note: gr.HTML
    data: gr.Radio
    method_note: gr.HTML
    page: gr.State
    settled: gr.JSON
    samples_class: gr.Dropdown
    samples_note: gr.Markdown
    own_note: gr.HTML
    inputs: set[Component] = field(default_factory=set)
    filled: list[Any] = field(default_factory=list)

    def read(self, values: Mapping[Component, Any]) -> RunConfig:
        """The run that the form describes.

        Raises:
            InputError: something is missing, unknown or out of range.
        """
        method, model = values[self.method], (show.selected(values[self.model]) or [""])[0]
        rows = [int(row) for row in show.selected(values[self.samples]) if row.isdigit()]
        card = zoo.card(model)
        kinds = show.kinds_of(card.id)
        kind = values[self.kind] if values[self.kind] in kinds else kinds[0]
        names = show.selected(values[self.concepts if kind == "concept" else self.classes])
        if kind == "concept":
            names = show.own_concept(card.id, values[self.concept_own]) or names
        forget = controls.forget_text(kind, names, values[self.share], values[self.share_seed], rows)
        redirect = show.redirect_of(card.id, names[0], values[self.redirect]) if kind == "concept" else ""
        fields = self.fields[settings_key(method, card.kind)]
        config = controls.to_config(
            model=model,
            forget=parse_forget(forget, live.dataset(card.id).class_names).text,
            method=method,
            preset=values[self.preset],
            variant=values[self.variant],
            values={name: values[part] for name, part in fields.items()},
            seed=values[self.seed],
            device=values[self.device],
            precision=values[self.precision],
            model_kind=card.kind,
            data=show.data_of(card.id, values[self.data]),
            redirect=redirect,
            memory=values[self.memory],
        )
        asked(config)  # a redirection that asks for the very concept is answered here, before anything waits
        return config

    def check_settled(self, values: Mapping[Component, Any]) -> None:
        """Settings follow the choice of a model, method, preset, variant, kind or class by an answer of the page.

        Raises:
            InputError: that answer is still under way, so the settings are those of an earlier choice.
        """
        model = (show.selected(values[self.model]) or [""])[0]
        scope = show.scope(show.known(values[self.model]), values[self.method], values[self.kind], values[self.classes])
        chosen = [model, *(values[part] for part in (self.method, self.preset, self.variant)), scope]
        if values[self.settled] != chosen:
            raise InputError(copy.NOT_SETTLED, hint=copy.NOT_SETTLED_HINT)

    def fill(self, config: RunConfig, own: Sequence[str] = ()) -> dict[Any, Any]:
        """Updates that make the form describe `config`; the reverse of `read`. `own`: see `form_cards.model_value`."""
        names = live.dataset(config.model).class_names
        spec = parse_forget(config.forget, names)
        kind = config.forget.strip().partition(":")[0]
        model_kind = show.kind_of(config.model)
        scope = presets.forget_scope(config.model, config.method, config.forget, kind=model_kind)
        data = config.data if show.chooses_data(config.model) else "shipped"
        updates: dict[Any, Any] = {
            self.model: cards.model_value(config.model, own),
            self.kind: show.kind_update(config.model, kind),
            self.kind_note: show.forget_note(config.model),
            self.data: gr.Radio(value=data, visible=show.chooses_data(config.model)),
            self.classes: cards.class_value(config.model, [names[c] for c in spec.classes]),
            self.samples: cards.sample_value(
                config.model, live.dataset(config.model).pictured[0], 0, [str(row) for row in spec.rows]
            ),
            self.concepts: cards.concept_value(config.model, spec.concept),
            self.concept_own: show.own_concept_value(config.model, spec.concept),
            self.redirect: show.redirect_value(
                config.model, config.redirect or show.default_redirect(config.model, spec.concept)
            ),
            self.redirects_note: show.redirects_note(config.model, spec.concept),
            self.redirect_note: show.redirect_note(config.method),
            self.method: gr.Dropdown(choices=show.method_choices(config.model), value=config.method),
            self.preset: gr.Dropdown(choices=show.preset_choices(config.model, config.method), value=config.preset),
            self.settled: [config.model, config.method, config.preset, config.variant, scope],
            self.variant: config.variant,
            self.seed: config.seed,
            self.device: config.device,
            self.precision: config.precision,
            self.memory: config.memory,
            self.method_note: show.method_note(config.model, config.method, config.preset, scope),
        }
        if spec.share is not None:
            updates |= {self.share: round(100 * spec.share, 6), self.share_seed: spec.seed}
        # A run from before a setting existed does not name it: what ran then is its default.
        whole = catalog.spec_of(config.method, model_kind).config_cls.from_dict(config.settings).to_dict()
        updates |= self.shown_settings(config.method, model_kind, whole)
        updates |= {group: gr.update(visible=kind == name) for name, group in self.kinds.items()}
        return updates

    def shown_settings(self, method: str, model_kind: str, values: Mapping[str, Any]) -> dict[Any, Any]:
        """Updates that show the settings of one method alone, holding `values`."""
        key = settings_key(method, model_kind)
        updates: dict[Any, Any] = {part: values[name] for name, part in self.fields[key].items()}
        for name, parts in self.groups.items():
            updates |= {part: gr.update(visible=name == key) for part in parts}
        return updates

    @property
    def valued(self) -> list[Any]:
        """Everything that `shown_settings` may update."""
        settings = [part for parts in self.fields.values() for part in parts.values()]
        return [*settings, *(part for parts in self.groups.values() for part in parts)]

    @property
    def outputs(self) -> list[Any]:
        """Everything that `fill` may update."""
        parts = [
            self.model,
            self.kind,
            self.kind_note,
            self.data,
            self.classes,
            self.share,
            self.share_seed,
            self.samples,
            self.concepts,
            self.concept_own,
            self.redirect,
            self.redirects_note,
            self.redirect_note,
            self.settled,
        ]
        parts += [
            self.method,
            self.preset,
            self.variant,
            self.seed,
            self.device,
            self.precision,
            self.memory,
            self.method_note,
        ]
        return [*parts, *self.kinds.values(), *self.valued]
