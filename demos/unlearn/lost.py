"""A run that the browser remembers and the server does not: what is said of it, and its settings in the form."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import gradio as gr

from demos.context import Lost
from demos.render import form_alert
from demos.text import unlearn as copy
from demos.unlearn.form import Form
from sfr_core.errors import PlaygroundError
from sfr_core.plan import RunPlan, plan


def settings_of(form: Form, lost: Lost) -> tuple[RunPlan, dict[Any, Any]] | None:
    """The plan of a lost run and the updates that put it into the form; None where they cannot be known, as of a model that is closed."""
    if lost.config is None:
        return None
    with suppress(PlaygroundError):
        run = plan(lost.config)
        return run, form.fill(run)
    return None


def note(lost: Lost | None, *, filled: bool = False) -> Any:
    """The update of the note, which is there only where something is lost; `filled`: the form holds the run's settings."""
    if lost is None:
        return gr.update(value="", visible=False)
    what = copy.LOST_RESTARTED if lost.restarted else copy.LOST_FORGOTTEN
    said = (copy.LOST_FILLED if filled else copy.LOST_BARE).format(what=what)
    return gr.update(value=form_alert(said), visible=True)
