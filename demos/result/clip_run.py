"""A CLIP asked whether pictures show what their prompts say: the side jobs, and what they say. No gradio, no torch at first."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demos.jobs import downloads as hub
from demos.jobs import estimate, side_jobs
from demos.jobs.side_jobs import SideJob
from demos.records.record import RunRecord
from demos.render import note, plain, status, table
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.data.concepts import Role
from sfr_core.errors import InputError, PlaygroundError
from sfr_core.hub.clip import CLIP, CLIP_BYTES, CLIP_LICENCE, chosen_clip, clip_here, open_clip
from sfr_core.hub.fetch import fetch, missing_bytes
from sfr_core.hub.names import read_name
from sfr_core.hub.resolve import HubModel
from sfr_core.plan import plan

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sfr_core.metrics.agreement import Agreement, Clip

DEADLINE = 30 * 60.0
"""Seconds that it may compute; a run may as long."""
SIZES = (4, 8, 20, 40)
"""Pictures of each kind of prompt and each model that can be asked for."""
SIZE = 20
SURE = 2.0
"""Standard errors beyond which a change is more than chance."""


@dataclass(frozen=True, slots=True)
class Scores:
    """CLIPScores (0 to 100) of one model's pictures, by the role of their prompts, the CLIP's name, and the sampler."""

    by_role: Mapping[Role, NDArray[np.float64]]
    clip: str
    steps: int
    guidance: float


def download(model: HubModel) -> SideJob[Path]:
    """Fetches a CLIP that was looked up, in a thread; not in the compute slot, which runs may take meanwhile."""
    return hub.fetching(model.id, partial(fetch, model), missing_bytes(model))


def start(slot: threading.Lock, session: Any, n: int) -> SideJob[Scores]:
    """Draws n pictures of every kind of prompt with each model of a run and scores them, in a thread that waits for `slot`.

    Raises:
        InputError: `n` is not offered.
    """
    if n not in SIZES:
        raise InputError(copy.CLIP_BAD_SIZE)
    # Torch is here by now: the session came with it.
    from sfr_core.metrics.agreement import agree, agreement_steps
    from sfr_core.runs.sampling import protocol_of

    sampler, asked = protocol_of(session.card), chosen_clip()
    opened: list[tuple[Clip, str]] = []

    def score(who: str) -> Iterator[int | Scores]:
        if not opened:  # in this thread: its files are checked, which takes a while
            opened.append(open_clip(asked, session.device))
        clip, name = opened[0]
        model = side_jobs.model_of(session, who)
        found = yield from agree(session.task, sampler, clip, n, model)
        yield Scores(found, name, sampler.steps, sampler.guidance)

    models = ("before", "after", *(("retrained",) if session.has("retrained") else ()))
    steps = agreement_steps(session.task, sampler, n)
    return side_jobs.start(slot, score, models, steps, deadline=DEADLINE, advice="Try again.")


def about_html() -> str:
    """Which CLIP is asked; of one that is not here, what fetching it means."""
    asked = chosen_clip()
    if asked != CLIP:
        return note(copy.CLIP_FOLDER.format(name=Path(asked).name))
    name = read_name(CLIP).repo
    if clip_here(CLIP):
        return note(copy.CLIP_HERE.format(name=name))
    return plain(copy.CLIP_NEEDS.format(name=name, size=page_copy.size(CLIP_BYTES), licence=CLIP_LICENCE))


def time_text(record: RunRecord, n: Any) -> str:
    """About how long n pictures of each kind will take, in one sentence."""
    models = 3 if "retrained" in record.samples else 2
    pictures = models * len(set(record.roles)) * (n if n in SIZES else SIZE)
    try:
        found = estimate.drawn(plan(record.config), record.seconds(), pictures)
    except PlaygroundError:  # a model that is gone
        found = None
    looking = copy.CLIP_LOOKS.format(n=pictures)
    if found is None:
        return f"{copy.RECOVER_TIME_UNKNOWN} {looking}"
    drawing = copy.CLIP_TIME.format(time=page_copy.about(found.seconds), source=copy.RECOVER_FROM[found.source])
    return f"{drawing} {looking}"


def found_html(found: Mapping[str, Scores], seconds: float) -> str:
    """The sentence, and the table by the kind of prompt: before, after, retrained where there is one, and the change."""
    from sfr_core.metrics.agreement import Agreement

    models = [who for who in copy.MODELS if who in found]
    before, after = found["before"].by_role, found["after"].by_role
    # Pictures in one place start from the same noise, so that their difference has the smaller error of pairs.
    changes = {role: Agreement.of(after[role] - before[role]) for role in before}
    rows = []
    for role, change in changes.items():
        means = [Agreement.of(found[who].by_role[role]) for who in models]
        cells = [f"{one.mean:.1f} ± {one.error:.1f}" for one in means]
        rows.append((copy.SHARES_ROWS[role], *cells, f"{change.mean:+.2f} ± {change.error:.2f}", f"{change.n:,}"))
    one = found["after"]
    caption = copy.CLIP_CAPTION.format(
        clip=one.clip, steps=one.steps, guidance=one.guidance, time=page_copy.duration(seconds)
    )
    head = (copy.CLIP_ASKED, *(copy.MODELS[who].lower() for who in models), copy.CLIP_CHANGE, "n")
    return status(sentence(changes)) + table(head, rows, caption=caption)


def sentence(changes: Mapping[Role, Agreement]) -> str:
    """What changed by more than chance, kind by kind; by the rule in CLIP_CAPTION."""
    which: dict[str, list[str]] = {kind: [] for kind in copy.CLIP_SAID}
    for role, change in changes.items():
        what, by = copy.CLIP_OF[role], abs(change.mean)
        if by > SURE * change.error:
            which["fell" if change.mean < 0 else "rose"].append(copy.CLIP_BY.format(what=what, by=by))
        else:
            which["stayed"].append(what)
    parts = [copy.CLIP_SAID[kind].format(which=_listed(found)) for kind, found in which.items() if found]
    return copy.CLIP_SENTENCE.format(parts=copy.CLIP_JOIN.join(parts))


def _listed(names: Sequence[str]) -> str:
    *first, last = names
    return copy.CLIP_AND.format(first=", ".join(first), last=last) if first else last
