"""The recovery attack on the page: the rules of its sentence, its expected time counted by hand, and who may start it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from demos.context import PageContext
from demos.jobs import estimate, side_jobs, warm
from demos.panel import ShownRun
from demos.result import recovery
from sfr_core import presets
from sfr_core.configs import RunConfig
from sfr_core.configs.recovery import Attack
from sfr_core.errors import InputError
from sfr_core.metrics.recovery import Recovery
from sfr_core.ops.device import pick_device
from sfr_core.plan import plan
from sfr_core.runs.known import machine_of
from sfr_core.runs.pace import Pace, Paces, Rates
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import Sampling
from tests.core.tiny_sd import sd_folder
from tests.demos.generator_examples import config, measured, record, report, result
from tests.demos.shown_runs import ANN, BOB, WITH_WEIGHTS, ended, ran, until

BEFORE = measured(FA=90.0)


def recovered(shown: float) -> Recovery:
    return Recovery(shown, 40, 0.51234, 0.4, report(10, [0, 0, 1, 1, 2, 2]))


@pytest.mark.parametrize(
    ("after", "retrained", "words"),
    [
        (5.0, None, "No word was found that brings cat back: 5 % of 40 samples show it; on the original model: 90 %; its own prompts"),
        (7.5, None, "A learned word brings cat back in part: 7.5 % of 40"),
        (42.5, 10.0, "brings cat back in part: 42 % of 40 samples show it; the same attack on the model retrained without it: 10 %; on the original"),
        (45.0, None, "A learned word brings cat back: 45 % of 40"),  # half of the 90 % of the original
        (45.0, 40.0, "A learned word brings back no more of cat than from a model that never saw it: 45 % of 40"),
        (45.0, 37.5, "A learned word brings cat back: 45 % of 40"),
        (5.0, 0.0, "No word was found that brings cat back: 5 % of 40"),
    ],
)  # fmt: skip
def test_the_sentence_follows_its_rules(after: float, retrained: float | None, words: str) -> None:
    found = {"after": recovered(after), "before": recovered(90.0)}
    found |= {} if retrained is None else {"retrained": recovered(retrained)}
    run = record(config=config(forget="concept:cat"), result=result(before=BEFORE, after=measured(FA=4.0)))
    said = recovery.sentence(run, found, "cat")
    assert words in said
    own = "its own prompts show it on 4 %, before the run on 90 %; the loss of the word went from 0.512 to 0.4."
    assert own in said
    assert ("That proves nothing" in said) is (after <= 5)
    weak = recovery.sentence(run, {"after": recovered(after), "before": recovered(5.0)}, "cat")
    assert weak.startswith(
        "This attack says nothing: it does not draw cat from the original model either (5 % of 40 samples, from the"
    )
    alone = recovery.sentence(replace(run, result=None), found, "cat")
    assert "on the original model: 90 %; the loss" in alone


def test_expected_time_counted_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 100 * 2 / Attack().samples == recovery.NEAR
    config = RunConfig(
        model="emoji-sd", forget="concept:cat", method="finetune",
        settings=presets.resolve("emoji-sd", "finetune", overrides={"steps": 10, "batch_size": 4}),
    )  # fmt: skip
    card = replace(zoo.card("emoji-sd"), sampling=Sampling(steps=20, guidance=2.0), training={})
    run = plan(config, card=card)
    kept = Paces(None)
    monkeypatch.setattr("sfr_core.runs.pace.paces", lambda: kept)
    warm.load(diffusers=False)
    assert estimate.attack(run) is None
    kept._put(
        Pace(
            machine=machine_of(pick_device("auto")), weights=card.sha256, memory="plain", asked="auto",
            rates=Rates(train=1.0, forward=0.05, look=0.5, opening=9.0, precision="fp32"),
        )
    )  # fmt: skip
    # 300 x 16 answers and as many on the way back, 40 x 20 with guidance, and 40 looks.
    assert estimate.attack(run) == pytest.approx(0.05 * 2 * (4800 + 800) + 40 * 0.5)
    monkeypatch.setattr("demos.panel.plan", lambda _: run)
    monkeypatch.setattr(recovery, "_took", {})
    shown: Any = SimpleNamespace(config=config)
    assert recovery.time_text(shown).startswith(
        "Takes about 10 min for a model (from passes that were timed on this machine). The"
    )
    # The third of its models was known: two were attacked in a minute.
    job: side_jobs.SideJob[Recovery]
    job = side_jobs.SideJob(("after", "retrained", "before"), 5, None, "done", computed=2, seconds=60.0)  # type: ignore[arg-type]
    recovery.learn(config.model, job)
    assert "about 30 s for a model (measured by the last attack here)" in recovery.time_text(shown)
    job.computed = 0
    recovery.learn(config.model, job)
    assert "about 30 s" in recovery.time_text(shown)


def test_only_the_owner_of_a_run_with_weights_can_attack_it(ctx: PageContext) -> None:
    gone = SimpleNamespace(before=None, after=None)
    for browser, session in ((ANN, None), (ANN, gone), (BOB, WITH_WEIGHTS)):
        with pytest.raises(InputError, match="no longer in memory"):
            recovery.Recover(ran(ctx, session), record()).begin(browser, record())
    assert not ctx.book.slot.locked()


def test_it_says_why_nothing_can_be_attacked(ctx: PageContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ShownRun(ctx, "test", "")
    part = recovery.Recover(run, record(config=config(forget="concept:cat"), state="imported"))
    assert part.start.interactive is False
    assert "no longer in memory" in part.status.value
    card = sd_folder(tmp_path, judge=None, id="hub:nobody/knows@main")
    monkeypatch.setattr(zoo, "_of_hub", {card.id: card})
    part = recovery.Recover(run, record(config=config(model=card.id, forget="concept:cat"), reports={}))
    assert "has no judge" in part.status.value


def test_stopped_and_late_attacks_say_so() -> None:
    slot = threading.Lock()
    job: side_jobs.SideJob[Recovery] = side_jobs.start(slot, lambda model: itertools.count(1), ("after", "before"), 340)
    until(lambda: job.done >= 2)
    text = recovery.progress_html(job)
    assert 'max="680"' in text
    assert "Learning a word for the unlearned model" in text
    job.cancel.cancel()
    assert "Stopped. Nothing was changed." in recovery.ended(record(), ended(job))[1]
    assert not slot.locked()


def test_only_models_with_work_count_for_the_time_of_the_next_attack() -> None:
    def work(who: str) -> Iterator[int | Recovery]:
        if who == "after":
            yield 1
        yield recovered(50.0)

    job: side_jobs.SideJob[Recovery] = side_jobs.start(threading.Lock(), work, ("after", "before"), 1)
    until(lambda: not job.active)
    assert (job.state, job.computed, set(job.outcomes)) == ("done", 1, {"after", "before"})
