"""The recovery attack on the page: the rules of its sentence, its expected time counted by hand, and who may start it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from demos.context import PageContext
from demos.jobs import estimate, side_jobs
from demos.jobs.book import JobBook
from demos.result import recovery as recover
from demos.result import recovery_run as attack
from sfr_core import presets
from sfr_core.configs import RunConfig
from sfr_core.configs.recovery import Attack
from sfr_core.errors import InputError
from sfr_core.metrics.recovery import Recovery
from sfr_core.plan import plan
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import Sampling
from tests.core.tiny_sd import sd_folder
from tests.demos.compare_examples import planned
from tests.demos.generator_examples import config, measured, record, report, result

BEFORE = measured(FA=90.0)


def recovered(shown: float) -> Recovery:
    return Recovery(shown, 40, 0.51234, 0.4, report(10, [0, 0, 1, 1, 2, 2]))


@pytest.mark.parametrize(
    ("after", "ceiling", "words"),
    [
        (5.0, None, "No word was found that brings cat back: 5 % of 40 samples show it; its own prompts"),
        (7.5, None, "A learned word brings cat back in part: 7.5 % of 40"),
        (42.5, None, "brings cat back in part"),  # half of the 90 % by its own prompts are 45 %
        (45.0, None, "A learned word brings cat back: 45 % of 40"),
        (30.0, 60.0, "A learned word brings cat back: 30 % of 40 samples show it; from the model before the run the same attack draws it on 60 % of 40;"),
        (27.5, 60.0, "brings cat back in part"),
    ],
)  # fmt: skip
def test_the_sentence_follows_its_rules(after: float, ceiling: float | None, words: str) -> None:
    found = {"after": recovered(after)} | ({} if ceiling is None else {"before": recovered(ceiling)})
    run = record(config=config(forget="concept:cat"), result=result(before=BEFORE, after=measured(FA=4.0)))
    said = attack.sentence(run, found, "cat")
    assert words in said
    assert (
        "its own prompts draw it on 4 %, before the run on 90 %; the loss of the word went from 0.512 to 0.4." in said
    )
    assert ("That proves nothing" in said) is (after <= 5)
    weak = attack.sentence(run, {"after": recovered(after), "before": recovered(5.0)}, "cat")
    assert weak.startswith(
        "This attack says nothing: it does not draw cat from the model before the run either (5 % of 40 samples, after"
    )
    alone = attack.sentence(replace(run, result=None), {"after": recovered(6.0)}, "cat")
    assert alone.startswith("A learned word brings cat back: 6 % of 40 samples show it; the loss")


def test_expected_time_counted_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    how = Attack()
    assert 100 * 2 / how.samples == attack.NEAR
    config = RunConfig(
        model="emoji-sd", forget="concept:cat", method="finetune",
        settings=presets.resolve("emoji-sd", "finetune", overrides={"steps": 10, "batch_size": 4}),
    )  # fmt: skip
    card = replace(zoo.card("emoji-sd"), sampling=Sampling(steps=20, guidance=2.0), training={})
    run = plan(config, card=card)
    # 40 pictures in 8 s: 0.2 s each. Two thirds of (300 x 16 trained + 40 x 20 drawn with guidance).
    found = estimate.attack(run, 8.0)
    assert found is not None
    assert found.source == "measured"
    assert found.seconds == pytest.approx(0.2 * 2 / 3 * (4800 + 800))
    assert estimate.attack(run, None) is None
    monkeypatch.setattr(attack, "plan", lambda _: run)
    monkeypatch.setattr(attack, "_took", {})
    shown: Any = SimpleNamespace(config=config, seconds=lambda: 8.0)
    assert (
        attack.time_text(shown)
        == "Expected: about 12 min, with the model before the run 25 min (from the speed of this run)."
    )
    ended: side_jobs.SideJob[Recovery] = side_jobs.SideJob(("after", "before"), 5, None, "done", seconds=60.0)  # type: ignore[arg-type]
    attack.learn(config.model, ended)
    assert "about 30 s, with the model before the run 1 min (measured by the last attack here)" in attack.time_text(
        shown
    )


def test_only_the_owner_of_a_run_with_weights_can_attack_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = JobBook(lambda job: iter(()))
    with gr.Blocks():
        ctx = PageContext(book=book, browser=gr.BrowserState({}), job=gr.State(""))
        part = recover.Recover(ctx, "test", gr.State(""))
    ann, bob = {"visitor": "a" * 32}, {"visitor": "b" * 32}
    job = book.submit("a" * 32, planned(config()))
    while job.active:
        time.sleep(0.01)
    for browser, session in (
        (ann, None),
        (ann, SimpleNamespace(before=None, after=None)),
        (bob, SimpleNamespace(before=None, after={})),
    ):
        job.session = session
        with pytest.raises(InputError, match="not in memory any more"):
            part.begin(browser, job.id, False)
    assert not book.slot.locked()
    assert part.updates_of(record(), live=True)[part.box]["visible"] is False
    shown = part.updates_of(record(config=config(forget="concept:cat")), live=False)
    assert shown[part.box]["visible"] is True
    assert shown[part.start]["interactive"] is False
    assert "not in memory any more" in shown[part.status]
    card = sd_folder(tmp_path, judge=None, id="hub:nobody/knows@main")
    monkeypatch.setattr(zoo, "_of_hub", {card.id: card})
    shown = part.updates_of(record(config=config(model=card.id, forget="concept:cat"), reports={}), live=True)
    assert "comes without a judge" in shown[part.status]


def test_stopped_and_late_attacks_say_so() -> None:
    slot = threading.Lock()

    def endless(model: str) -> Any:
        step = 0
        while True:
            step += 1
            time.sleep(0.005)
            yield step

    wish: side_jobs.SideJob[Recovery] = side_jobs.start(
        slot, endless, ("after", "before"), 340, deadline=60.0, advice=""
    )
    while wish.done < 2:
        time.sleep(0.005)
    text = recover.progress_html(wish)
    assert 'max="680"' in text
    assert "for the model after the run" in text
    wish.cancel.cancel()
    while wish.active:
        time.sleep(0.005)
    assert "Stopped. Nothing was changed." in recover.ended(record(), wish, False)[1]
    assert not slot.locked()
