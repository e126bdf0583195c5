"""Keeping the moment nearest to the retrained model, on the timeline of a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from gradio.context import Context

from demos.context import PageContext
from demos.jobs.job import session_bytes
from demos.panel import ShownRun
from demos.records.record import Nearest, nearest_of, result_in, too_large
from demos.records.summary import of_record
from demos.result import parts
from sfr_core.events import Cancelled, Finished, Kept
from sfr_core.results import LiveRecord
from sfr_core.runs import moments as of_runs
from sfr_core.runs.moments import Moment, Moments, Tally
from tests.demos import compare_examples


def drawn(part: str) -> str:
    """Value of the component with this name; "" where none was drawn."""
    root = Context.root_block
    assert root is not None
    return next((str(one.value) for one in root.blocks.values() if getattr(one, "elem_id", None) == part), "")


LIVE = LiveRecord(forget=2.4, remain=95.0, n_forget=250, n_remain=250)
GOAL = LiveRecord(forget=0.0, remain=99.6, n_forget=250, n_remain=250)
BEST = Nearest(step=70, live=LIVE, goal=GOAL, outcome=150, last=None)


def session(*steps: int, at: int, size: int = 1000) -> Any:
    """A session that holds the moments after these steps, each later one nearer, and whose outcome is that after `at`."""
    held = {
        step: Moment(Tally(steps=step), LiveRecord(forget=100.0 - step, remain=99.6, n_forget=9, n_remain=9), {})
        for step in steps
    }
    moments = Moments(size, GOAL, held)
    return SimpleNamespace(
        moments=moments, after={}, before={}, tally=Tally(steps=at), has=lambda who: True, retrained=None, reports={}
    )


def test_what_a_session_holds_is_told() -> None:
    found = nearest_of(session(10, 20, 30, at=10))
    assert found is not None
    assert (found.step, found.outcome, found.last, found.goal) == (30, 10, 30, GOAL)
    assert found.live.forget == 70.0
    assert nearest_of(session(at=10)) is None
    assert nearest_of(None) is None
    last = nearest_of(session(10, 20, at=20))
    assert last is not None
    assert (last.step, last.last) == (20, None)


def test_the_bytes_of_held_moments_count_for_a_visitors_weights() -> None:
    assert session_bytes(session(10, 20, 30, at=10)) == 3000


def test_a_model_that_is_too_large_is_told() -> None:
    large = session(at=1, size=of_runs.MOST_BYTES + 1)
    assert too_large(large) == of_runs.MOST_BYTES + 1
    large.has = lambda who: False  # nothing to be near to
    assert too_large(large) == 0
    assert too_large(session(at=1)) == 0
    assert too_large(None) == 0


@pytest.mark.parametrize(
    ("best", "words", "button", "step"),
    [
        (BEST, "Step 70 is nearest to the retrained model: 2.4 and 95 %", "Keep step 70 as the result", 70),
        (
            replace(BEST, outcome=70, last=150),
            "This result is step 70, the nearest",
            "Go back to the last step (150)",
            150,
        ),
        (replace(BEST, outcome=70), "This result is step 70, the nearest", "", None),
    ],
)
def test_the_button_keeps_the_nearest_and_then_goes_back(
    ctx: PageContext, best: Nearest, words: str, button: str, step: int | None
) -> None:
    asked: list[tuple[str, int]] = []

    def keep(event: Callable[..., Any], key: str, at: int) -> None:
        asked.append((key, at))

    run = ShownRun(ctx, "test", "a" * 32, keep=keep)
    parts.keep_moment(run, compare_examples.record(nearest=best))
    assert words in drawn("test-nearest")
    assert drawn("test-keep-moment") == button
    assert asked == ([] if step is None else [("a" * 32, step)])


def test_where_the_page_cannot_follow_no_button_is_drawn(ctx: PageContext) -> None:
    parts.keep_moment(ShownRun(ctx, "test", "a" * 32), compare_examples.record(nearest=BEST))
    assert "Step 70" in drawn("test-nearest")
    assert drawn("test-keep-moment") == ""


def test_a_result_of_a_moment_says_so_and_none_of_an_older_one_is_shown() -> None:
    old = compare_examples.record()
    kept = replace(old, events=(*old.events, Kept(steps=2), Finished(steps=2, result=compare_examples.result(steps=2))))
    found = of_record(kept)
    assert found is not None
    assert found.text.startswith("Kept as it was after step 2 of 4. SFR-on forgot Cat")
    back = replace(kept, events=(*kept.events, Kept(steps=4), Finished(steps=4, result=compare_examples.result())))
    again = of_record(back)
    assert again is not None
    assert again.text.startswith("SFR-on forgot Cat")
    stopped = (*old.events, Kept(steps=2), Cancelled(steps=2))
    assert result_in(old.events) == compare_examples.result()
    assert result_in(stopped) is None
    live = of_record(replace(old, events=stopped, result=None))
    assert live is not None
    assert live.text.startswith("Kept as it was after step 2 of 4: accuracy on Cat 100 to 50 %, on the rest 98 to 95 %")
