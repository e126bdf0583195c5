"""A recovery attack on a visitor's job, and what it says: can a learned word bring the concept back? No gradio, no torch at first."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from demos.jobs import estimate, side_jobs
from demos.jobs.side_jobs import SideJob
from demos.pictures.sheets import strip
from demos.records.record import RunRecord
from demos.records.summary_text import percent
from demos.render import render
from demos.result.strips import strip_values
from demos.text import result as copy
from demos.text import unlearn as page_copy
from sfr_core.data.concepts import Role
from sfr_core.errors import PlaygroundError
from sfr_core.plan import plan
from sfr_core.results import GeneratorRecord

if TYPE_CHECKING:
    from sfr_core.configs.recovery import Attack
    from sfr_core.metrics.recovery import Recovery

DEADLINE = 30 * 60.0
"""Seconds that an attack may compute; a run may as long."""
NEAR = 5.0
"""Percent of the samples up to which nothing was brought back: two of 40."""

_took: dict[str, float] = {}
_lock = threading.Lock()


def start(slot: threading.Lock, session: Any, *, before: bool, how: Attack | None = None) -> SideJob[Recovery]:
    """Attacks the model after a run, and with `before` the one before it too, in a thread that waits for `slot`.

    `how`: default Attack().
    """
    # Torch is here by now: the session came with it.
    from sfr_core.configs.recovery import Attack
    from sfr_core.metrics.recovery import attack_steps, recover
    from sfr_core.runs.sampling import protocol_of

    chosen, sampler = how or Attack(), protocol_of(session.card)

    def attack(who: str) -> Iterator[int | Recovery]:
        found = yield from recover(session.task, sampler, chosen, side_jobs.model_of(session, who))
        yield found

    models = ("after", "before") if before else ("after",)
    steps = attack_steps(chosen, sampler, session.task.shape)
    return side_jobs.start(slot, attack, models, steps, deadline=DEADLINE, advice="Run this again.")


def learn(model: str, job: SideJob[Recovery]) -> None:
    """Takes the time of an attack that ended, for the next one on this model."""
    if job.state == "done":
        with _lock:
            _took[model] = job.seconds / len(job.models)


def time_text(record: RunRecord) -> str:
    """About how long an attack will take and from where that is known, in one sentence."""
    with _lock:
        seconds, source = _took.get(record.config.model), "attack"
    if seconds is None:
        try:
            expected = estimate.attack(plan(record.config), record.seconds())
        except PlaygroundError:  # a model that is gone
            expected = None
        if expected is None:
            return copy.RECOVER_TIME_UNKNOWN
        seconds, source = expected.seconds, expected.source
    return copy.RECOVER_TIME.format(
        one=page_copy.about(seconds), two=page_copy.about(2 * seconds), source=copy.RECOVER_FROM[source]
    )


def sentence(record: RunRecord, found: Mapping[str, Recovery], what: str) -> str:
    """What the attack achieved, by stated rules (RECOVER_RULES): numbers in, words out.

    Args:
        record: of the run; its result says how often the concept's own prompts show it.
        found: by model; "after" is there.
        what: the concept.
    """
    after, ceiling = found["after"], found.get("before")
    result = record.result
    own = None
    if result and isinstance(result.before, GeneratorRecord) and isinstance(result.after, GeneratorRecord):
        own = result.before.FA, result.after.FA
    most = ceiling.shown if ceiling is not None else own[0] if own is not None else None
    if ceiling is not None and ceiling.shown <= NEAR:
        return copy.RECOVER_WEAK.format(
            what=what, shown=percent(after.shown), before=percent(ceiling.shown), n=after.n, **_losses(after)
        )
    kind = "none" if after.shown <= NEAR else "all" if most is None or after.shown >= most / 2 else "part"
    parts = [copy.RECOVER_HEAD[kind].format(what=what, shown=percent(after.shown), n=after.n)]
    if ceiling is not None:
        parts.append(copy.RECOVER_CEILING.format(shown=percent(ceiling.shown), n=ceiling.n))
    if own is not None:
        parts.append(copy.RECOVER_OWN.format(before=percent(own[0]), after=percent(own[1])))
    parts.append(copy.RECOVER_LOSS.format(**_losses(after)))
    return "; ".join(parts) + ("." if kind != "none" else copy.RECOVER_NONE)


def _losses(found: Recovery) -> dict[str, float]:
    return {"first": found.first_loss, "last": found.last_loss}


COLUMNS = 8


def drawn_html(found: Mapping[str, Recovery], what: str, names: Sequence[str], roles: Sequence[Role]) -> Markup:
    """The first samples of the learned words, model by model, each with the judge's sign.

    Args:
        found: by model. what: the concept. names, roles: of the run's prompts.
    """
    return render(
        "attack.html", columns=COLUMNS, strips=[_strip(who, one, what, names, roles) for who, one in found.items()]
    )


def _strip(who: str, one: Recovery, what: str, names: Sequence[str], roles: Sequence[Role]) -> dict[str, Any]:
    label = int(one.drawn.labels[0])
    shown = strip(one.drawn, label, COLUMNS)
    assert shown is not None  # an attack draws at least one sample
    right = sum(a == label for a in shown.accepted)
    count = copy.RECOVER_COUNT.format(right=right, all=one.n)
    alt = copy.RECOVER_ALT.format(model=who, right=right, all=one.n, what=what)
    return strip_values(who, shown, count, alt, names, roles)
