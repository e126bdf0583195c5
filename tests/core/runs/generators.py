"""The tiny generators as a run opens them, and how runs of them are played: what the tests of runners share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sfr_core.cancel import CancelToken
from sfr_core.events import Event, PhaseStarted
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session
from sfr_core.zoo.cards import ModelCard
from tests.core.grammar import check_grammar
from tests.core.tiny_ddpm_run import ddpm_retrained, ddpm_session
from tests.core.tiny_dit import dit_card, dit_retrained, dit_session
from tests.core.tiny_sd import sd_folder, sd_session
from tests.core.tiny_unet import ddpm_card

NEVER = 10**6


@dataclass(frozen=True)
class Generator:
    """One tiny generator.

    Attributes:
        whole: phases of a whole run of SFR-on of 4 steps with their work.
        order: in which its models are measured.
        counts: samples to forget and to keep in a record. side: of a picture, with its channels.
        after: work of an evaluation that draws of the model after alone.
    """

    make: Callable[..., ModelCard]
    open: Callable[..., Session]
    reference: Callable[[Path], Any] | None
    whole: list[tuple[str, int]]
    order: list[str]
    counts: tuple[int, int]
    side: tuple[int, int, int]
    after: int

    def card(self, folder: Path, *, reference: bool = False, **changes: Any) -> ModelCard:
        made = self.make(folder, **{"source": "bundled", **changes})
        return replace(made, retrained=(self.reference(folder),)) if reference and self.reference is not None else made


STEPS = [("mask", 0), ("unlearn", 4)]
GENERATORS = {
    # 6 pictures to forget are one Fisher batch, of 54 others two are asked for; 3 x (2 batches x 4 sampler steps).
    "ddpm": Generator(
        ddpm_card, ddpm_session, ddpm_retrained, [("prepare", 0), ("fisher", 1), ("fisher", 2), *STEPS, ("evaluate", 24)],
        ["retrained", "before", "after"], (100, 99), (8, 8, 1), 8,
    ),
    # 8 forget rows are one Fisher batch, of 18 others two are asked for. 36 samples of the model after, and the few that are
    # shown of the two others, fit one batch each of 4 sampler steps.
    "dit": Generator(
        dit_card, dit_session, dit_retrained, [("prepare", 8), ("fisher", 1), ("fisher", 2), *STEPS, ("evaluate", 12)],
        ["retrained", "before", "after"], (18, 18), (16, 16, 3), 4,
    ),
    # 18 latents drawn in 2 x 20 steps; 2 Fisher batches each; all pictures in one batch of 4 steps, twice.
    "text-to-image": Generator(
        sd_folder, sd_session, None, [("prepare", 40), ("fisher", 2), ("fisher", 2), *STEPS, ("evaluate", 8)],
        ["before", "after"], (6, 12), (16, 16, 3), 4,
    ),
}  # fmt: skip


def go(session: Session, cancel: CancelToken | None = None, **options: Any) -> list[Event]:
    """A whole run."""
    events = list(run(session, cancel=cancel or CancelToken(), **options))
    check_grammar(events)
    return events


def until(session: Session, stop: Callable[[Event], bool]) -> list[Event]:
    """A run at whose first event for which `stop` is true somebody presses Stop."""
    token, events = CancelToken(), []
    for event in run(session, cancel=token, live_every=NEVER):
        events.append(event)
        if stop(event):
            token.cancel()
    check_grammar(events)
    return events


def work(events: list[Event], phase: str) -> list[int]:
    """What each such phase had to do."""
    return [event.total for event in events if isinstance(event, PhaseStarted) and event.phase == phase]
