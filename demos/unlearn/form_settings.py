"""Method, preset, variant and settings: one component (static/settings.js), one value, and what that value asks for.

The value names its model and holds only what the visitor changed, so that the run is the same whether or not the page has already been told
what another choice starts from (docs/adr/0048).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from demos.render import render
from demos.static_files import mounting
from demos.text import unlearn as copy
from demos.unlearn import options as show
from demos.unlearn import settings as controls
from sfr_core import catalog, presets
from sfr_core.configs import MAX_SEED, RunConfig
from sfr_core.configs.run import whole
from sfr_core.kinds import KINDS
from sfr_core.plan import RunPlan, plan

FIRST_METHOD = next(iter(KINDS.values())).default_method
RUN_FIELDS: dict[str, Any] = {"seed": 0, "device": "auto", "precision": "auto", "memory": "plain"}
"""Fields of a run, whatever its method -> what they start from."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a visitor chose.

    Attributes:
        model: whose settings they are.
        changed: settings that differ from those of the preset.
        run: fields of `RUN_FIELDS` that differ from their start.
        shown: which offer the page shows (see `key`), "" for none.
    """

    model: str
    method: str = FIRST_METHOD
    preset: str = "quick"
    variant: str = "official"
    changed: Mapping[str, Any] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    shown: str = ""

    @classmethod
    def of(cls, value: Any, model: str) -> Chosen:
        """What the page sent, for the model that is chosen: another model's method goes as far as this one can do it, its settings do not.

        Where the method was what that model begins with, this one begins with its own.

        Raises:
            InputError: this model cannot do the method.
        """
        sent = value if isinstance(value, Mapping) else {}
        mine = sent.get("model") == model
        able, first = [name for _, name in show.method_choices(model)], show.first_method(model)
        method, preset, variant, shown = (
            str(sent.get(name, start))
            for name, start in (("method", first), ("preset", ""), ("variant", "official"), ("shown", ""))
        )
        if not mine and (method not in able or method == sent.get("first")):
            method = first
        names = presets.preset_names(model, method, kind=show.kind_of(model))
        changed, run = sent.get("changed"), sent.get("run")
        return cls(
            model,
            method,
            preset if preset in names else names[0],
            variant,
            changed if mine and isinstance(changed, Mapping) else {},
            run if isinstance(run, Mapping) else {},
            shown,
        )

    @classmethod
    def of_config(cls, config: RunConfig) -> Chosen:
        """What a run's config says; one from before a setting existed does not name it: what ran then is its default."""
        kind = show.kind_of(config.model)
        whole = catalog.spec_of(config.method, kind).config_cls.from_dict(config.settings).to_dict()
        usual = presets.resolve(
            config.model, config.method, config.preset, config.variant, forget=config.forget, kind=kind
        )
        return cls(
            config.model,
            config.method,
            config.preset,
            config.variant,
            {name: value for name, value in whole.items() if value != usual[name]},
            {name: getattr(config, name) for name, start in RUN_FIELDS.items() if getattr(config, name) != start},
        )

    def value(self) -> dict[str, Any]:
        """What the component holds."""
        names = ("model", "method", "preset", "variant", "changed", "run", "shown")
        return {name: getattr(self, name) for name in names} | {"first": show.first_method(self.model)}

    def config(self, **fields: Any) -> RunConfig:
        """The run; `fields` are those of RunConfig that stand elsewhere in the form.

        Raises:
            InputError: a value that the config does not accept.
        """
        kind = show.kind_of(self.model)
        known = {s.name: s for s in controls.settings_of(self.method, kind)}
        changed = {n: controls.clean(known[n], v) if n in known else v for n, v in self.changed.items()}
        settings = presets.resolve(
            self.model, self.method, self.preset, self.variant, changed, forget=fields["forget"], kind=kind
        )
        run = {name: self.run.get(name, start) for name, start in RUN_FIELDS.items()}
        run["seed"] = whole("seed of the run", run["seed"])
        names = {"model": self.model, "method": self.method, "preset": self.preset, "variant": self.variant}
        return RunConfig(**{**names, "settings": settings, **run, **fields})

    def key(self, scope: str) -> str:
        """Names an offer; `scope`: what of the forget set the settings depend on (`form_values.scope`)."""
        return "|".join((self.model, self.method, self.preset, self.variant, scope))

    def offer(self, scope: str) -> dict[str, Any]:
        """What the page draws: what can be chosen, and every field with what it starts from."""
        kind = show.kind_of(self.model)
        values = presets.resolve(self.model, self.method, self.preset, self.variant, forget=scope, kind=kind)
        return {
            "key": self.key(scope),
            "model": self.model,
            "first": show.first_method(self.model),
            "choices": [
                _choice("method", copy.METHOD_LABEL, self.method, show.method_choices(self.model)),
                _choice("preset", copy.PRESET_LABEL, self.preset, show.preset_choices(self.model, self.method)),
                _choice("variant", copy.VARIANT_LABEL, self.variant, [(t, n) for n, t in copy.VARIANTS.items()]),
            ],
            "note": show.method_note(self.model, self.method, self.preset, scope),
            "fields": [
                *(controls.field(setting, values[setting.name]) for setting in controls.settings_of(self.method, kind)),
                *(_run_field(name) for name in RUN_FIELDS),
            ],
        }


def default_run(model: str) -> RunPlan:
    """What the page runs where a visitor chooses nothing but the model: the run whose expected time stands on its tile."""
    by_words = show.kinds_of(model)[0] == "concept"
    forget = f"concept:{show.first_concept(model)}" if by_words else f"class:{show.first_class(model)}"
    return plan(Chosen.of(None, model).config(forget=forget, data=show.data_of(model, "shipped"), redirect=""))


def build(model: str, scope: str) -> gr.HTML:
    """Draws the component with its defaults: the kind's first method, quick, official."""
    chosen = Chosen(model, show.first_method(model))
    return gr.HTML(
        chosen.value(),
        html_template=render("settings.html", T=copy),
        js_on_load=mounting("settings"),
        apply_default_css=False,
        elem_id="settings",
        offer=chosen.offer(scope),
        texts=copy.SETTINGS,
    )


def offered(chosen: Chosen, scope: str, *, filled: bool = False) -> Any:
    """The update that makes the page show what `chosen` may change; nothing where it does already.

    Args:
        filled: the page shall hold `chosen` itself too, whatever it held.
    """
    if filled:
        return gr.update(value=chosen.value(), offer=chosen.offer(scope))
    return gr.skip() if chosen.shown == chosen.key(scope) else gr.update(offer=chosen.offer(scope))


def _choice(name: str, label: str, value: str, choices: list[tuple[str, str]]) -> dict[str, Any]:
    return {"name": name, "label": label, "value": value, "choices": [list(pair) for pair in choices]}


def _run_field(name: str) -> dict[str, Any]:
    label, info, choices = copy.RUN_FIELDS[name]
    about: dict[str, Any] = {
        "kind": "choice",
        "choices": [[title, key] for key, title in choices.items()],
        "wanted": "",
    }
    if not choices:
        about = {"kind": "int", "low": 0, "high": MAX_SEED, "choices": [], "wanted": copy.SEED_WANTED}
    return {"name": name, "label": label, "info": info, "group": "run", "value": RUN_FIELDS[name], **about}
