"""Samples on a visitor's wish: they wait for the compute slot, can be stopped, and always give the slot back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch

from demos.context import PageContext
from demos.jobs.book import Job, JobBook
from demos.result import draw_more as play
from demos.result import sampling
from sfr_core.errors import InputError
from sfr_core.results import GeneratorReport
from tests.demos.compare_examples import planned
from tests.demos.generator_examples import record, report

ANN = {"visitor": "a" * 32, "job": ""}


def three_steps(model: str) -> Iterator[int | GeneratorReport]:
    yield from (1, 2, 3)
    yield report(0 if model == "before" else 50, [0] * 6)


def endless(model: str) -> Iterator[int | GeneratorReport]:
    step = 0
    while True:
        step += 1
        time.sleep(0.005)
        yield step


def until(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_every_model_draws_in_turn_and_the_slot_is_free_again() -> None:
    slot = threading.Lock()
    drawing = sampling.start(slot, three_steps, ("before", "after"), 3)
    until(lambda: not drawing.active)
    assert drawing.state == "done"
    assert [int(drawing.outcomes[who].images[0, 0, 0, 0]) for who in ("before", "after")] == [0, 50]
    assert not slot.locked()


def test_it_waits_for_the_run_that_computes_and_may_be_called_off_meanwhile() -> None:
    slot = threading.Lock()
    slot.acquire()
    first, second = (sampling.start(slot, three_steps, ("before",), 3) for _ in range(2))
    assert (first.state, second.state) == ("waiting", "waiting")
    assert "Waiting" in play.progress_html(first)
    first.cancel.cancel()
    until(lambda: first.state == "stopped")
    assert slot.locked()  # still the run's
    slot.release()
    until(lambda: second.state == "done")
    assert first.outcomes == {}


def test_stop_takes_effect_within_a_step() -> None:
    slot = threading.Lock()
    drawing = sampling.start(slot, endless, ("before",), 50)
    until(lambda: drawing.done > 2)
    text = play.progress_html(drawing)
    assert 'max="50"' in text
    assert "Drawing with before: step" in text
    drawing.cancel.cancel()
    at = drawing.done
    until(lambda: drawing.state == "stopped")
    assert drawing.done <= at + 2
    assert not slot.locked()
    assert "Stopped" in play.ended_html(drawing, 2.0, 1)


def test_a_deadline_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "DEADLINE", 0.05)
    slot = threading.Lock()
    drawing = sampling.start(slot, endless, ("before",), 50)
    until(lambda: drawing.state == "late")
    assert not slot.locked()
    assert "the longest that may be computed here" in play.ended_html(drawing, 2.0, 1)


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
        drawing = sampling.start(slot, sampler, ("before",), 3)
        until(lambda drawing=drawing: drawing.state == "failed")
        assert words in play.ended_html(drawing, 2.0, 1)
        assert "secret" not in drawing.error
        assert not slot.locked()


def test_labels_are_the_forgotten_ones_or_all_with_them_first() -> None:
    assert sampling.labels_of("forgotten", 3, [2]).tolist() == [2] * 16
    assert sampling.labels_of("all", 3, [2]).tolist() == [2] * 8 + [0] * 8 + [1] * 8
    assert sampling.labels_of("forgotten", 2, []).tolist() == [0] * 8 + [1] * 8


@pytest.mark.parametrize("steps", sampling.STEPS)
def test_offered_steps_divide_the_schedule(steps: int) -> None:
    assert 1000 % steps == 0


class Held:
    """A session as far as the page looks at it."""

    before: Any = None

    def __init__(self, after: Any) -> None:
        self.after = after


def test_a_run_that_was_rolled_back_draws_without_after() -> None:
    shown = record().samples
    assert sampling.models_of(Held(after={}), shown) == ("before", "after", "retrained")
    assert sampling.models_of(Held(after=None), shown) == ("before", "retrained")


@pytest.mark.parametrize(
    ("steps", "guidance", "seed", "sentence"),
    [
        (7, 2, 0, "offered numbers"),
        ("20", 2, 0, "offered numbers"),
        (20, 9, 0, "from 0 to 8"),
        (20, None, 0, "from 0 to 8"),
        (20, True, 0, "from 0 to 8"),
        (20, 2, -1, "seed of the noise"),
        (20, 2, 0.5, "seed of the noise"),
    ],
)
def test_what_the_controls_do_not_offer_is_refused(steps: Any, guidance: Any, seed: Any, sentence: str) -> None:
    ctx, part, job = a_page()
    job.session = Held(after={})
    with pytest.raises(InputError, match=sentence):
        part.begin(ANN, job.id, record(), steps, guidance, seed, "forgotten")
    assert not ctx.book.slot.locked()


def test_without_weights_or_for_others_nothing_is_drawn() -> None:
    _, part, job = a_page()
    for browser, session in ((ANN, None), ({"visitor": "b" * 32}, Held(after={}))):
        job.session = session
        with pytest.raises(InputError, match="not in memory any more"):
            part.begin(browser, job.id, record(), 20, 2, 0, "forgotten")


def a_page() -> tuple[PageContext, play.DrawMore, Job]:
    book = JobBook(lambda job: iter(()))
    with gr.Blocks():
        ctx = PageContext(book=book, browser=gr.BrowserState({}), job=gr.State(""))
        part = play.DrawMore(ctx, "test", gr.State(""))
    job = book.submit(ANN["visitor"], planned(record().config))
    until(lambda: not job.active)
    return ctx, part, job


def test_all_models_start_from_the_same_noise() -> None:
    """With the real task and judge: equal weights draw equal pictures, whoever they belong to."""
    from sfr_core.nets.judge import Judge
    from sfr_core.zoo.shipped import MODELS
    from tests.core.tiny_unet import tiny_unet

    class Task:
        judge = Judge.open(MODELS / "fashion-mnist-judge")

        def sample(self, labels: Any, *, seed: int, steps: int, guidance: float, model: Any) -> Any:
            import torch

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
    draw = sampling.sampler_of(Session(), labels, seed=4, steps=2, guidance=2.0)
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
