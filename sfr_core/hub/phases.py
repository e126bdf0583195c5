"""What each method holds beside the weights, phase by phase, as its loop in methods/ does. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sfr_core.hub.memory import FLAG, FLOAT, OPTIMISER, Phase

WITHOUT_GRADIENTS = ("uce", "random-embedding")
"""Methods that keep nothing for a backward pass."""
WITH_TEACHER = ("esd-x", "esd-u", "scrub")
"""Methods that always ask a copy of the network as it was."""
WITH_FRESH = {"bad-teacher": 2, "retrain": 1}
"""Networks beside the live one, where a freshly drawn one is among them."""


def phases_of(kind: str, method: str, settings: Mapping[str, Any], *, on_gpu: bool) -> tuple[Phase, ...]:
    """The phases of a run.

    Args:
        kind: ModelCard.kind. settings: every field of the method's config.
        on_gpu: what waits in main memory is then not on the device; a CPU holds the weights before and after the run too.
    """
    here = 0 if on_gpu else 1
    # In the end pictures are drawn with a copy that has the weights before.
    drawing = Phase(per_weight=0, copies=1 + 2 * here)
    if method in WITHOUT_GRADIENTS:
        return (drawing,)
    batch, optimizer = int(settings["batch_size"]), str(settings["optimizer"])
    mask = _mask(kind, method, settings, on_gpu=on_gpu)
    steps = FLOAT + OPTIMISER[optimizer] + (FLAG if mask else 0)
    if settings.get("optimizer_state") == "separate":
        steps += OPTIMISER[optimizer]
    if settings.get("slow_beta", 1.0) != 1.0:
        steps += FLOAT
    before = mask
    if method == "selective-amnesia":
        # One picture at a time, at all of its timesteps in one pass: its gradient and the sum of their squares.
        before = (Phase(per_weight=2 * FLOAT, batch=int(settings["fisher_timesteps"]), passes=1, copies=here),)
        # The Fisher, the start weights, and how far each weight is from its start, which the penalty's backward pass needs.
        steps += 3 * FLOAT
    # The update itself comes when the activations are gone: Adam on a GPU takes the roots of all second moments at once, and a
    # mask that holds weights puts all of them aside.
    moving = steps + (FLOAT if on_gpu and optimizer in ("adam", "adamw") else 0)
    if mask and settings.get("masked_weights") == "hold":
        moving += FLOAT
    copies = here + WITH_FRESH.get(method, 1 if asks_a_teacher(method, settings) else 0)
    return (
        *before,
        Phase(per_weight=steps, batch=batch, passes=_passes(kind, method, settings), copies=copies),
        Phase(per_weight=moving, copies=copies),
        drawing,
    )


def asks_a_teacher(method: str, settings: Mapping[str, Any]) -> bool:
    """Whether a copy of the network as it was stays beside the live one."""
    recalls = settings.get("remain_loss") == "recall" or settings.get("forget_loss") == "relative"
    return method in WITH_TEACHER or settings.get("teacher") == "frozen" or recalls


def _passes(kind: str, method: str, settings: Mapping[str, Any]) -> int:
    """Passes with a gradient in one step that are added up before they go back; a target is asked without one."""
    if kind == "classifier":
        return 1
    if method == "concept-ablation":
        return 2 if settings.get("prior_weight", 1.0) else 1
    return 2 if method in ("salun", "joint", "selective-amnesia") else 1


def _mask(kind: str, method: str, settings: Mapping[str, Any], *, on_gpu: bool) -> tuple[Phase, ...]:
    """The phases in which a mask is made; none where the method makes none."""
    here = 0 if on_gpu else 1
    asked = 2 if kind == "text-to-image" else 1  # a guided prediction asks twice about each picture, in one pass
    if method == "salun":
        return (Phase(per_weight=2 * FLOAT, batch=asked * int(settings["batch_size"]), passes=1, copies=here),)
    if method == "sfr-on" and settings.get("mask", True):
        waiting = 0 if on_gpu else FLOAT  # the first Fisher waits in main memory for the second
        return (
            Phase(
                per_weight=2 * FLOAT + waiting, batch=asked * int(settings["fisher_batch_size"]), passes=1, copies=here
            ),
            Phase(per_weight=2 * FLOAT + FLAG, copies=here),
        )
    return ()
