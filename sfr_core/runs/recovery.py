"""The recovery attack on the models of one run: the unlearned one, and those that tell what this attack can do."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict
from typing import cast

import numpy as np

from sfr_core.configs.recovery import Attack
from sfr_core.errors import InputError
from sfr_core.metrics.recovery import Recovery, recover, seen
from sfr_core.runs.evaluate import CHANNELS_FIRST, CHANNELS_LAST, Who, key_of, place_of
from sfr_core.runs.known import Key, digest, known
from sfr_core.runs.sampling import protocol_of
from sfr_core.runs.session import Session
from sfr_core.tasks.text_to_image import TextToImageTask

ATTACKED: tuple[Who, ...] = ("after", "retrained", "before")
"""The unlearned model; the one that never saw the concept, from which an attack should get no less; the original, which gives most."""


def attacked(session: Session) -> tuple[Who, ...]:
    """The models of a run that can be attacked."""
    return tuple(who for who in ATTACKED if session.has(who))


def attack(session: Session, who: Who, how: Attack) -> Generator[int, None, Recovery]:
    """Attacks one model of a run as `recover` does; shipped models are attacked once on a machine.

    Args:
        session: its run has ended, its pictures are drawn (`task.prepare`).

    Yields:
        Training and sampler steps done; nothing where the outcome is known.

    Raises:
        InputError: as `recover`, or the run was rolled back.
    """
    task, sampler = cast(TextToImageTask, session.task), protocol_of(session.card)
    key = _key(session, who, how)
    found = None if key is None else known().get(key)
    if found is not None:
        losses = (float(loss) for loss in found["losses"])
        return seen(task, sampler, found["images"].transpose(CHANNELS_LAST), *losses)
    model = session.reference(who)
    if model is None:
        raise InputError("The weights of this run are no longer in memory.", hint="Run it again.")
    result = yield from recover(task, sampler, how, model)
    if key is not None:
        images = np.ascontiguousarray(result.drawn.images.transpose(CHANNELS_FIRST))
        known().put(key, {"images": images, "losses": np.array([result.first_loss, result.last_loss])})
    return result


def _key(session: Session, who: Who, how: Attack) -> Key | None:
    """Under which an attack on a shipped model is known: also the pictures that it learns from count."""
    task, sampler = cast(TextToImageTask, session.task), protocol_of(session.card)
    about = {
        "what": "recovery", "attack": asdict(how), "sampler": [sampler.steps, sampler.guidance], "prompts": task.plan.texts,
        "redirect": task.plan.redirect, "pictures": digest(task.store.held.cpu().numpy()),
    }  # fmt: skip
    return key_of(place_of(task), session, who, about)
