"""Samples that a visitor draws: they wait for the compute slot, can be stopped, and always give the slot back."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from demos.context import PageContext
from demos.result import draw_more
from sfr_core.errors import InputError
from sfr_core.results import GeneratorReport
from tests.demos.generator_examples import record, report
from tests.demos.shown_runs import ANN, BOB, WITH_WEIGHTS, ended, ran, until


def three_steps(model: str) -> Iterator[int | GeneratorReport]:
    yield from (1, 2, 3)
    yield report(0 if model == "before" else 50, [0] * 6)


def endless(model: str) -> Iterator[int | GeneratorReport]:
    for step in itertools.count(1):
        time.sleep(0.005)
        yield step


def said(drawing: draw_more.Drawing) -> str:
    text: str = draw_more.ended(record(), drawing, 20, 2.0, 1, "all")[1]
    return text


def test_every_model_draws_in_turn_and_the_slot_is_free_again() -> None:
    slot = threading.Lock()
    drawing = draw_more.start(slot, three_steps, ("before", "after"), 3)
    assert ended(drawing).state == "done"
    assert [int(drawing.outcomes[who].images[0, 0, 0, 0]) for who in ("before", "after")] == [0, 50]
    assert not slot.locked()
    assert "6 samples a model, 20 steps, guidance 2, seed 1;" in said(drawing)


def test_it_waits_for_the_run_that_computes_and_may_be_called_off_meanwhile() -> None:
    slot = threading.Lock()
    slot.acquire()
    first, second = (draw_more.start(slot, three_steps, ("before",), 3) for _ in range(2))
    assert (first.state, second.state) == ("waiting", "waiting")
    assert "Waiting" in draw_more.progress_html(first)
    first.cancel.cancel()
    until(lambda: first.state == "stopped")
    assert slot.locked()  # still the run's
    slot.release()
    until(lambda: second.state == "done")
    assert first.outcomes == {}


def test_stop_takes_effect_within_a_step() -> None:
    slot = threading.Lock()
    drawing = draw_more.start(slot, endless, ("before",), 50)
    until(lambda: drawing.done > 2)
    text = draw_more.progress_html(drawing)
    assert 'max="50"' in text
    assert "Drawing with before: step" in text
    drawing.cancel.cancel()
    at = drawing.done
    until(lambda: drawing.state == "stopped")
    assert drawing.done <= at + 2
    assert not slot.locked()
    assert "Stopped" in said(drawing)


def test_a_deadline_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw_more, "DEADLINE", 0.05)
    slot = threading.Lock()
    drawing = draw_more.start(slot, endless, ("before",), 50)
    until(lambda: drawing.state == "late")
    assert not slot.locked()
    assert "the time limit here" in said(drawing)


def test_a_failure_is_a_sentence_and_gives_the_slot_back() -> None:
    def known(model: str) -> Iterator[int]:
        yield 1
        raise InputError("These weights are gone.", hint="Run it again.")

    def unknown(model: str) -> Iterator[int]:
        yield 1
        raise RuntimeError("secret path")

    def full(model: str) -> Iterator[int]:
        yield torch.empty(2**50).ndim

    for sampler, words in (
        (known, "These weights are gone"),
        (unknown, "failed unexpectedly (RuntimeError)"),
        (full, "too little free memory for this. Try fewer steps or classes."),
    ):
        slot = threading.Lock()
        drawing = draw_more.start(slot, sampler, ("before",), 3)
        until(lambda drawing=drawing: drawing.state == "failed")
        assert words in said(drawing)
        assert "secret" not in drawing.error
        assert not slot.locked()


def test_labels_are_the_forgotten_ones_or_all_with_them_first() -> None:
    assert draw_more.labels_of("forgotten", 3, [2]).tolist() == [2] * 16
    assert draw_more.labels_of("all", 3, [2]).tolist() == [2] * 8 + [0] * 8 + [1] * 8
    assert draw_more.labels_of("forgotten", 2, []).tolist() == [0] * 8 + [1] * 8


@pytest.mark.parametrize("steps", draw_more.STEPS)
def test_offered_steps_divide_the_schedule(steps: int) -> None:
    assert 1000 % steps == 0


@pytest.mark.parametrize(("after", "models"), [({}, ("before", "after", "retrained")), (None, ("before", "retrained"))])
def test_a_run_that_was_rolled_back_draws_without_after(ctx: PageContext, after: Any, models: tuple[str, ...]) -> None:
    task = SimpleNamespace(shape=(1, 4, 4))
    part = panel(ctx, SimpleNamespace(before=None, after=after, task=task))
    with ctx.book.slot:
        job = part.begin(ANN, record(), 20, 2, 0, "forgotten")
        assert job.models == models
        job.cancel.cancel()
        ended(job)


@pytest.mark.parametrize(
    ("steps", "guidance", "seed", "sentence"),
    [
        (7, 2, 0, "listed numbers"),
        ("20", 2, 0, "listed numbers"),
        (20, 9, 0, "from 0 to 8"),
        (20, None, 0, "from 0 to 8"),
        (20, True, 0, "from 0 to 8"),
        (20, 2, -1, "seed of the noise"),
        (20, 2, 0.5, "seed of the noise"),
    ],
)
def test_what_the_controls_do_not_offer_is_refused(
    ctx: PageContext, steps: Any, guidance: Any, seed: Any, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        panel(ctx, WITH_WEIGHTS).begin(ANN, record(), steps, guidance, seed, "forgotten")
    assert not ctx.book.slot.locked()


def test_without_weights_or_for_others_nothing_is_drawn(ctx: PageContext) -> None:
    for browser, session in ((ANN, None), (BOB, WITH_WEIGHTS)):
        with pytest.raises(InputError, match="no longer in memory"):
            panel(ctx, session).begin(browser, record(), 20, 2, 0, "forgotten")


def panel(ctx: PageContext, session: Any) -> draw_more.DrawMore:
    """The controls below Ann's run that left this session."""
    return draw_more.DrawMore(ran(ctx, session), record())


def test_all_models_start_from_the_same_noise() -> None:
    """With the real task and judge: equal weights draw equal pictures, whoever they belong to."""
    from sfr_core.nets.judge import Judge
    from sfr_core.zoo.shipped import MODELS
    from tests.core.tiny_unet import tiny_unet

    class Task:
        judge = Judge.open(MODELS / "fashion-mnist-judge")

        def sample(self, labels: Any, *, seed: int, steps: int, guidance: float, model: Any) -> Any:
            from sfr_core.ops.sampling import sample_pictures

            return sample_pictures(
                lambda x, t, y: model(x, t, y).sample, labels, (1, 28, 28), null=10, seed=seed, steps=steps,
                guidance=guidance, device=torch.device("cpu"),
            )  # fmt: skip

    class Session:
        task = Task()

        def reference(self, who: str) -> Any:
            return tiny_unet(0 if who != "after" else 1)

    labels = np.array([1, 1, 3])
    draw = draw_more.sampler_of(Session(), labels, seed=4, steps=2, guidance=2.0)
    ends = {who: list(draw(who)) for who in ("before", "retrained", "after")}
    assert [end[:-1] for end in ends.values()] == [[1, 2]] * 3
    before, retrained, after = (end[-1] for end in ends.values())
    assert isinstance(before, GeneratorReport)
    assert isinstance(retrained, GeneratorReport)
    assert isinstance(after, GeneratorReport)
    assert np.array_equal(before.images, retrained.images)
    assert not np.array_equal(before.images, after.images)
    assert before.images.shape == (3, 28, 28, 1)
    assert before.labels.tolist() == [1, 1, 3]
    assert (before.sampler_steps, before.guidance) == (2, 2.0)
