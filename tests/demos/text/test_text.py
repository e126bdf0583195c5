"""Texts: complete where code looks them up, and numbers as people say them."""

from __future__ import annotations

import re
import string

import pytest

from demos.live import view as bridge
from demos.static_files import STATIC
from demos.text import live as live_text
from demos.text import result as compare_copy
from demos.text import unlearn as copy
from sfr_core import catalog
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.presets import preset_names


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.42, "0.4 s"),
        (9.9, "9.9 s"),
        (12.4, "12 s"),
        (59.4, "59 s"),
        (125, "2 min 5 s"),
        (1800, "30 min"),
        (4320, "1 h 12 min"),
    ],
)
def test_duration(seconds: float, words: str) -> None:
    assert copy.duration(seconds) == words


@pytest.mark.parametrize(("seconds", "words"), [(0.2, "1 s"), (7.6, "8 s"), (33, "35 s"), (95, "2 min")])
def test_about_promises_no_more_than_it_knows(seconds: float, words: str) -> None:
    assert copy.about(seconds) == words


def test_sizes_and_counts() -> None:
    assert [copy.size(n) for n in (900, 812_000, 1_176_288, 1.31e9)] == ["900 bytes", "812 kB", "1.2 MB", "1.3 GB"]
    assert [copy.count(n) for n in (291_610, 1_200_000)] == ["291,610", "1.2 million"]


def test_every_phase_state_preset_and_ability_has_words() -> None:
    assert set(live_text.PHASE_NAMES) == set(live_text.PHASE_LINES) == set(bridge.PHASES)
    assert set(live_text.LIVE["states"]) == {"todo", "now", "done", "stopped", "skipped"}
    assert set(preset_names("", "sfr-on")) <= set(copy.PRESETS)
    assert {need for spec in catalog.BY_KIND["classifier"].values() for need in spec.requires} <= set(copy.ABILITIES)
    assert set(copy.VARIANTS) == {"official", "paper"}


def test_the_script_asks_for_no_text_that_is_missing() -> None:
    parts = ("live", "curves", "phases", "predictions")
    script = "".join((STATIC / f"{name}.js").read_text(encoding="utf-8") for name in parts)
    asked = set(re.findall(r"\bT\.(\w+)", script)) | set(re.findall(r"\bword\('(\w+)'\)", script))
    assert asked
    assert asked <= set(live_text.LIVE)
    calls = re.findall(r"fill\((?:this\.)?T\.(\w+), \{([^}]*)\}", script)
    assert calls
    for name, given in calls:
        wanted = {field for _, field, _, _ in string.Formatter().parse(live_text.LIVE[name]) if field}
        keys = {part.split(":")[0].strip() for part in given.split(",") if part.strip()}
        assert wanted <= keys, name
    assert set(live_text.LIVE["generator"]) <= set(live_text.LIVE)
    for name, text in live_text.LIVE["generator"].items():
        other = live_text.LIVE[name]
        assert {f for _, f, _, _ in string.Formatter().parse(text)} == {
            f for _, f, _, _ in string.Formatter().parse(other)
        }


def test_the_sheets_script_has_all_its_words() -> None:
    script = (STATIC / "grid.js").read_text(encoding="utf-8")
    asked = set(re.findall(r"\bwords\.(\w+)", script))
    assert asked <= set(live_text.SHEET)
    assert set(re.findall(r"(\w+): '[✓≠✗]'", script)) == {"own", "other", "none"} <= set(live_text.SHEET)
    pair = (STATIC / "pair.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bT\.(\w+)", pair)) <= set(compare_copy.PAIR)


def test_nothing_static_asks_another_machine() -> None:
    for path in STATIC.iterdir():
        # The namespace of SVG is a name, which nobody fetches.
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn|@import|url\(", text), path.name


def test_help_is_a_sentence() -> None:
    for setting in SFRonConfig.settings():
        assert setting.help.endswith("."), setting.name
