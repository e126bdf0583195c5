"""Tab Learn: what the page hands to the browser, and texts that name only numbers which are there."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from demos import page_data
from demos.learn import page
from demos.live.payload import RECORDED
from demos.static_files import STATIC
from demos.text.learn import LEARN, STEPS
from demos.unlearn.recorded import Recordings, read


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Recordings:
    """The classifier's recording alone."""
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "one.json").symlink_to(RECORDED / "fashion-sneaker.json")
    return read(page.MODEL, folder)


def names(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_tab_holds_all_that_the_lesson_needs(recordings: Recordings) -> None:
    address = page.build(recordings).get_config()["props"]["lesson"]
    props = page_data.kept(address)
    assert set(props) == {"texts", "toy", "recorded"}
    assert set(props["toy"]) == {"lam", "remain_x", "remain_y", "forget_x", "forget_y"}
    assert (len(props["toy"]["remain_x"]), len(props["toy"]["forget_x"])) == (80, 16)
    recorded = props["recorded"]
    assert {key: recorded[key] for key in ("title", "steps", "n", "every", "density")} == {
        "title": "SFR-on forgets Sneaker",
        "steps": 150,
        "n": 500,
        "every": 30,
        "density": 42,
    }
    assert [(one["truth"], one["set"]) for one in recorded["pictures"]] == [
        *[("Sneaker", "forget")] * 3,
        ("T-shirt", "remain"),
        ("Trouser", "remain"),
        ("Pullover", "remain"),
    ]
    assert all(one["src"].startswith("data:image/png;base64,") for one in recorded["pictures"])
    looks = recorded["looks"]
    assert (looks[0]["i"], looks[-1]["i"]) == (0, 150)
    assert looks[0]["said"] == ["Sneaker"] * 3 + ["T-shirt", "Trouser", "Pullover"]
    assert looks[-1]["said"] == ["T-shirt", "Sandal", "Sandal", "T-shirt", "Trouser", "Pullover"]
    curve = recorded["curve"]
    assert len(curve["i"]) == len(curve["forget"]) == len(curve["remain"]) == 51
    assert (curve["i"][0], curve["i"][-1], curve["forget"][-1]) == (0, 150, 0.0)


def test_without_a_recording_the_lesson_is_drawn_all_the_same(tmp_path: Path) -> None:
    assert page.given(read(page.MODEL, tmp_path))["recorded"] is None


def test_every_step_has_its_texts_and_names_numbers_that_are_there(recordings: Recordings) -> None:
    script = (STATIC / "lesson.js").read_text(encoding="utf-8")
    facts = set(re.findall(r"(\w+): \(\) =>", script)) | {"plain", "adaptive", "masked", "k4", "k16", "manifold"}
    recorded = {*(page.recorded(recordings) or {}), "step", "forget", "remain", "last"}
    assert len(STEPS) == 7
    for step in STEPS:
        assert 0 <= step["right"] < len(step["choices"])
        for part in ("point", "question", "answer", "do", "theory", "ask", "pupils"):
            assert step[part], (step["title"], part)
            assert names(step[part]) <= facts, (step["title"], part)
        assert names(step["real"]) <= recorded
    assert names(LEARN["recorded"]) <= recorded


def test_the_scripts_ask_for_no_text_that_is_missing() -> None:
    scripts = "".join((STATIC / f"{name}.js").read_text(encoding="utf-8") for name in ("learn", "planes", "charts"))
    assert set(re.findall(r"\bT\.(\w+)", scripts)) <= set(LEARN)
    assert {"t", "k", "gamma"} == set(LEARN["knobs"])
    asked = set(re.findall(r"\bwords\.(\w+)", scripts))
    assert asked <= set(STEPS[0])
