"""Can it be brought back? An attack on the models of a text-to-image run, which learns a word that draws the concept again."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from markupsafe import Markup

from demos.jobs import estimate, side_jobs
from demos.jobs.side_jobs import SideJob
from demos.panel import Panel, ShownRun, bar_html, ended_html, estimated, gone, weights_here
from demos.pictures.sheets import strip
from demos.records.record import CONCEPT, RunRecord, judged
from demos.records.summary_text import percent
from demos.render import behind_blur, note, render, status
from demos.result.strips import MODELS, strip_values
from demos.text import result as texts
from demos.text.unlearn import about, duration
from sfr_core.configs.recovery import Attack
from sfr_core.data.concepts import Role
from sfr_core.results import GeneratorRecord

if TYPE_CHECKING:
    from sfr_core.metrics.recovery import Recovery

NEAR = 5.0
"""Percent of the samples up to which nothing was brought back: two of 40."""
COLUMNS = 8
"""Samples that are shown of each model."""

_took: dict[str, float] = {}
_lock = threading.Lock()


class Recover(Panel["Recovery"]):
    """The panel of a run that forgets a concept, and the attack that each visitor has under way."""

    def __init__(self, run: ShownRun, record: RunRecord) -> None:
        super().__init__(run, "recover")
        able = "after" in record.samples and weights_here(record)
        why = gone() if judged(record.config.model) else texts.RECOVER_NO_JUDGE
        with gr.Column(elem_id=self.name):
            gr.Markdown(texts.RECOVER_HELP)
            self.time = gr.HTML(note(time_text(record)) if able else "", elem_id=f"{self.name}-time")
            self.buttons(
                texts.RECOVER_START, texts.RECOVER_STOP, able=able, status="" if able else note(why), variant="primary"
            )
            self.drawn = gr.HTML(elem_id=f"{self.name}-drawn")
        self.starts(self.start, self.begin, progress_html, ended, [], [self.time, self.drawn])

    def begin(self, browser: Any, record: RunRecord) -> SideJob[Recovery]:
        """Starts an attack; an earlier one of the same visitor is stopped.

        Raises:
            InputError: the weights are gone.
        """
        session = self.run.session(browser)
        return self.put(browser, lambda: start(self.ctx.book.slot, session))


def start(slot: threading.Lock, session: Any, how: Attack | None = None) -> SideJob[Recovery]:
    """Attacks all models of a run in a thread that waits for `slot`; `how`: default Attack()."""
    # Torch is here by now: the session came with it.
    from sfr_core.metrics.recovery import attack_steps
    from sfr_core.runs.recovery import attack, attacked
    from sfr_core.runs.sampling import protocol_of

    chosen = how or Attack()

    def work(who: Any) -> Iterator[int | Recovery]:
        found = yield from attack(session, who, chosen)
        yield found

    steps = attack_steps(chosen, protocol_of(session.card), session.task.shape)
    return side_jobs.start(slot, work, attacked(session), steps, advice="Run this again.")


def progress_html(job: SideJob[Recovery]) -> str:
    """A bar with the real steps, or that it waits."""
    text = texts.RECOVER_PROGRESS.format(model=texts.RECOVER_MODEL.get(job.model, ""), done=job.done, total=job.steps)
    return bar_html(job, texts.RECOVER_TITLE, text)


def ended(record: RunRecord, job: SideJob[Recovery]) -> tuple[Any, str, Any, Any]:
    """How an attack ended: the button, the sentence, the time of the next one, and the pictures."""
    learn(record.config.model, job)
    again = gr.Button(interactive=True)
    if job.state != "done":
        return again, ended_html(job, ""), gr.skip(), gr.skip()
    what = record.config.forget.strip().removeprefix(CONCEPT)
    rules = texts.RECOVER_RULES.replace("*", "").format(steps=Attack().steps, time=duration(job.seconds))
    text = status(sentence(record, job.outcomes, what)) + note(rules)
    drawn = drawn_html(job.outcomes, what, record.class_names, record.roles)
    return again, text, note(time_text(record)), behind_blur(drawn, record.blurred)


def learn(model: str, job: SideJob[Recovery]) -> None:
    """Takes the time of an attack that ended, for the next one on this model."""
    if job.state == "done" and job.computed:
        with _lock:
            _took[model] = job.seconds / job.computed


def time_text(record: RunRecord) -> str:
    """About how long an attack will take and from where that is known, in one sentence."""
    with _lock:
        seconds, source = _took.get(record.config.model), "attack"
    if seconds is None:
        seconds, source = estimated(record, estimate.attack), "pace"
        if seconds is None:
            return texts.RECOVER_TIME_UNKNOWN
    return texts.RECOVER_TIME.format(one=about(seconds), source=texts.RECOVER_FROM[source])


def sentence(record: RunRecord, found: Mapping[str, Recovery], what: str) -> str:
    """What the attack achieved, by stated rules (RECOVER_RULES): numbers in, words out.

    Args:
        record: of the run; its result says how often the concept's own prompts show it.
        found: by model; "after" and "before" are there.
        what: the concept.
    """
    after, before, retrained = found["after"], found["before"], found.get("retrained")
    told = {"what": what, "shown": percent(after.shown), "n": after.n, "before": percent(before.shown)}
    losses = {"first": after.first_loss, "last": after.last_loss}
    if before.shown <= NEAR:
        return texts.RECOVER_WEAK.format(**told, **losses)
    parts = [texts.RECOVER_HEAD[_kind(found)].format(**told)]
    if retrained is not None:
        parts.append(texts.RECOVER_RETRAINED.format(shown=percent(retrained.shown)))
    parts.append(texts.RECOVER_BEFORE.format(shown=percent(before.shown)))
    result = record.result
    if result and isinstance(result.before, GeneratorRecord) and isinstance(result.after, GeneratorRecord):
        parts.append(texts.RECOVER_OWN.format(before=percent(result.before.FA), after=percent(result.after.FA)))
    parts.append(texts.RECOVER_LOSS.format(**losses))
    return "; ".join(parts) + (texts.RECOVER_NONE if after.shown <= NEAR else ".")


def _kind(found: Mapping[str, Recovery]) -> str:
    """Which of RECOVER_HEAD: how much comes back, beside what comes from a model that never saw the concept."""
    shown, retrained = found["after"].shown, found.get("retrained")
    if shown <= NEAR:
        return "none"
    if retrained is not None and shown <= retrained.shown + NEAR:
        return "unseen"
    return "all" if shown >= found["before"].shown / 2 else "part"


def drawn_html(found: Mapping[str, Recovery], what: str, names: Sequence[str], roles: Sequence[Role]) -> Markup:
    """The first samples of the learned words, model by model, each with the judge's sign.

    Args:
        found: by model. what: the concept. names, roles: of the run's prompts.
    """
    order = (who for who in MODELS if who in found)
    strips = [_strip(who, found[who], what, names, roles) for who in order]
    return render("attack.html", columns=COLUMNS, strips=strips)


def _strip(who: str, one: Recovery, what: str, names: Sequence[str], roles: Sequence[Role]) -> dict[str, Any]:
    label = int(one.drawn.labels[0])
    shown = strip(one.drawn, label, COLUMNS)
    assert shown is not None  # an attack draws at least one sample
    right = sum(a == label for a in shown.accepted)
    count = texts.RECOVER_COUNT.format(right=right, all=one.n)
    alt = texts.RECOVER_ALT.format(model=texts.RECOVER_MODEL[who], right=right, all=one.n, what=what)
    return strip_values(who, shown, count, alt, names, roles)
