"""What the tests of the form share."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio import utils

from demos import page_data
from demos.unlearn.form import Form
from sfr_core.configs import RunConfig
from sfr_core.plan import plan


def cards_of(picker: dict[str, Any]) -> Any:
    """The cards that a picker's value shows, as the browser fetches them."""
    return page_data.kept(picker["cards"])


def filled(form: Form, config: RunConfig) -> dict[Any, Any]:
    """What the components hold after `fill`: updates of choices and of visibility are left out or opened."""
    values = {part: part.value for part in form.inputs}
    for part, update in form.fill(plan(config)).items():
        if part in values:
            if isinstance(update, gr.components.Component):
                values[part] = update.value
            else:
                values[part] = update["value"] if utils.is_prop_update(update) else update
    return values
