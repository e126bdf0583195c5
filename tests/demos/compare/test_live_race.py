"""A race on the tab: what may be asked for, what a browser is told, and that nobody sees another's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from demos.compare.live import LiveRaces, asked_of, offer, plans, race_table
from demos.compare.recorded import races
from demos.context import PageContext
from demos.text import compare as texts
from sfr_core.errors import InputError, PlaygroundError
from tests.demos.race_examples import ANN, BOB, Racing, until
from tests.loops import run

MODEL = "fashion-mnist-resnet"
CHOICE = {"model": MODEL, "forget": "class:Bag", "methods": ["finetune", "salun"], "seeds": 1}


def choice(**changes: Any) -> dict[str, Any]:
    return {**CHOICE, **changes}


class Page(Racing):
    """The tab's races over a book whose runs are a few lines."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        nothing: Any = SimpleNamespace()
        self.races = LiveRaces(PageContext(book=self.book, browser=nothing, job=nothing))

    def begin(self, visitor: str = ANN, **changes: Any) -> Any:
        return self.book.races.submit(visitor, plans(choice(**changes)))


def test_every_method_with_every_seed_is_planned_from_one_forget_set() -> None:
    found = plans(choice(seeds=2))
    assert list(found) == ["finetune-0", "salun-0", "finetune-1", "salun-1"]
    assert {one.config.forget for one in found.values()} == {"class:Bag"}
    assert {one.config.preset for one in found.values()} == {"quick"}
    assert plans(choice(model="emoji-dit", forget="class:flags"))["finetune-0"].config.data == "data-free"


@pytest.mark.parametrize(
    "asked",
    [
        None, {}, choice(methods=["salun"]), choice(methods=["a"] * 7), choice(methods="salun"), choice(methods=["salun", "salun"]),
        choice(methods=["salun", 3]), choice(seeds=0), choice(seeds=4), choice(seeds=True), choice(seeds="1"), choice(forget="class:Nothing"),
        choice(model="nothing"), choice(model=3), choice(forget=None), choice(methods=["salun", "../x"]),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_a_sentence(asked: Any) -> None:
    with pytest.raises(PlaygroundError) as found:
        plans(asked)
    assert str(found.value).endswith(".")
    assert Page().races.expect(asked) == {"error": str(found.value)}


def test_what_can_be_raced_begins_with_the_models_own_and_ends_with_retraining() -> None:
    found = offer(MODEL, races()[MODEL].rows)
    assert found["methods"][0] == ["sfr-on", "SFR-on"]
    assert found["methods"][-1][0] == "retrain"
    assert ["random:0.1@1", "draw 2"] in found["forget"]


def test_how_long_it_takes_is_not_guessed() -> None:
    assert Page().races.expect(CHOICE)["words"].startswith("2 runs")


def test_a_browser_is_told_the_race_and_its_table_as_runs_end() -> None:
    page = Page(open_gate=False)
    page.begin()
    value = page.races.value(page.book.races.last(ANN))["race"]
    assert value["state"] in ("queued", "running")  # the book's thread may have taken it already
    assert (value["rows"], value["table"]["said"]) == ([], ["Nothing was measured here yet."])
    have = {"follow": value["follow"], "rows": 0, "runs": {}}
    page.let(page.STEPS)
    until(lambda: bool(page.book.races.last(ANN).rows))  # type: ignore[union-attr]
    answer = run(page.races.poll(have))
    assert [row["name"] for row in answer["table"]["rows"]] == ["Fine-tuning"]
    assert answer["table"]["rows"][0]["runs"] == [{"entry": "finetune-0", "seed": 0, "status": "done"}]
    assert "table" not in run(page.races.poll({**have, "rows": 1}))  # it has it already
    page.let(page.STEPS)
    until(lambda: not page.book.races.last(ANN).active)  # type: ignore[union-attr]
    table = race_table(page.book.races.last(ANN))  # type: ignore[arg-type]
    assert [row["name"] for row in table["rows"]] == ["Fine-tuning", "SalUn"]
    assert table["title"] == "Fashion-MNIST classifier: Bag, raced live"
    # Where the last row comes with the end, nobody follows it any more: it comes with its table all the same.
    assert page.races.value(page.book.races.last(ANN))["race"]["table"] == table


def test_nobody_sees_the_race_or_a_run_of_another() -> None:
    page = Page()
    page.begin()
    assert page.book.races.last(BOB) is None
    assert page.book.races.last("") is None
    assert page.races.lost({"visitor": BOB}) == {"race": None}
    mine = page.races._job(ANN, "finetune-0")
    assert mine.visitor == ANN
    for visitor, entry in ((BOB, "finetune-0"), (ANN, "nothing"), (ANN, None), ("", "finetune-0"), (ANN, mine.id)):
        with pytest.raises(InputError, match="not kept"):
            page.races._job(visitor, entry)
    assert run(page.races.poll({"follow": "made up", "rows": 0, "runs": {}})) == {"state": "gone"}
    assert run(page.races.poll(None)) == {"state": "gone"}


def test_a_race_that_went_with_its_server_is_told_with_its_settings() -> None:
    page, asked = Page(), choice(methods=["scrub", "salun"])
    race = page.begin(methods=["scrub", "salun"])
    browser = page.races.ctx.with_race({"visitor": ANN}, asked_of(race))
    assert page.races.lost(browser) == {"race": None}
    restarted = Page().races.lost(browser)
    assert restarted == {"race": None, "error": texts.RACE_LOST, "asked": {**asked, "seeds": 1}}
    assert list(plans(restarted["asked"])) == list(race.plans)


def test_the_newest_race_is_the_one_that_is_shown() -> None:
    page = Page()
    first = page.begin()
    until(lambda: not first.active)
    second = page.begin(methods=["scrub", "salun"])
    assert page.book.races.last(ANN) is second
