"""Compare for a generator without a browser: rows, pair, timeline, figures, import, and what is hidden for which kind."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from demos.context import PageContext
from demos.jobs.job import session_bytes
from demos.panel import ShownRun
from demos.pictures.judge_text import judge_note
from demos.pictures.sheet_text import counts_text, sheet_value
from demos.pictures.sheets import classes_of, mean_difference, strip, whole_sheet
from demos.plots.files import figures, render
from demos.records.imports import check_sheet, read_files
from demos.records.record import RunRecord
from demos.result.break_it import overlay
from demos.result.draw_more import DrawMore
from demos.result.page import Compare, sections
from demos.result.parts import moment, moment_sheet, rules_of
from demos.result.pictures import first_rows, pictures_html, report_of
from demos.result.strips import pair_value, strips_html
from demos.result.tables import metrics_html, summary_html
from demos.runs import page as runs
from sfr_core.errors import AssetError
from sfr_core.events import Finished, PhaseProgress, PhaseStarted, Preview
from sfr_core.runs.files import event_line
from tests.demos import compare_examples
from tests.demos.compare_examples import NAMES
from tests.demos.generator_examples import config, events, png, record, report, result, sheet


def pixels(uri: str) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_a_strip_holds_the_first_samples_and_the_judges_word_on_all() -> None:
    one = strip(report(100, [0, 0, 1, 1, 2, 2]), 1, columns=1)
    assert one is not None
    assert [accepted for _, accepted in one.lines] == [(1,), (1,)]
    assert [pixels(uri)[0, 0] for uri, _ in one.lines] == [102, 103]
    assert pixels(one.lines[0][0]).shape == (4, 4)
    assert one.accepted == (1, 1)
    assert strip(report(0, [0] * 6), 7, columns=1) is None


def test_the_judges_word_in_words() -> None:
    assert counts_text(0, [0, 0, 1, 1, 1, -1], NAMES) == ("6 samples: 2 as Cat, 3 as Dog, 1 as none of the classes")
    assert counts_text(2, [2], NAMES) == "1 sample: 1 as Owl"
    assert counts_text(0, [5], ()) == "1 sample: 0 as class 0, 1 as class 5"


def test_forgotten_classes_come_first() -> None:
    assert classes_of(report(0, [0] * 6), (1,)) == [1, 0, 2]
    tiles, lines = whole_sheet(report(0, [0] * 6), [1, 0], columns=3)
    assert lines == (1, 0)
    assert tiles.shape == (8, 12, 1)
    assert tiles[0, ::4, 0].tolist() == [2, 3, 0]  # class 1 has two samples, of gray 2 and 3; a third is missing
    assert tiles[4, ::4, 0].tolist() == [0, 1, 0]
    assert whole_sheet(report(0, [0] * 6), [1, 0], columns=1)[1] == (1, 1, 0, 0)


def test_the_difference_is_a_mean_of_gray_levels_without_wrapping() -> None:
    assert mean_difference(report(100, [0] * 6), report(110, [0] * 6), 1) == 10.0
    assert mean_difference(report(110, [0] * 6), report(100, [0] * 6), 1) == 10.0
    assert mean_difference(report(0, [0] * 6), report(0, [0] * 6), 9) is None


def test_rows_of_models_say_everything_in_words_too() -> None:
    html = strips_html(record().samples, NAMES, (0,))
    assert html.count("<img") == 9
    assert html.index('data-class="0"') < html.index('data-class="1"')
    assert html.count('class="gen-row forget"') == 1
    assert 'alt="After, 2 samples: 0 as Cat, 1 as Dog, 1 as none of the classes"' in html
    assert 'alt="Retrained, 2 samples: 2 as Owl"' in html
    assert "2 samples of the forgotten classes, 4 of the others" in html
    assert "20 sampler steps" in html
    assert strips_html({}, NAMES, (0,)).count("<img") == 0
    assert "of the others" not in strips_html(record().samples, NAMES, (0, 1, 2))


def test_names_from_a_file_cannot_become_markup() -> None:
    html = strips_html(record().samples, ("<b>x", "a&b", "Owl"), (0,))
    assert "<b>x" not in html
    assert "&lt;b&gt;x" in html


def test_a_pair_names_its_models_and_the_numbers_between_them() -> None:
    value = pair_value("k", record().samples, NAMES, (0,))
    assert value is not None
    assert [m["id"] for m in value["models"]] == ["before", "after", "retrained"]
    assert [row["title"] for row in value["rows"]] == ["Cat (to forget)", "Dog", "Owl"]
    first, last = value["rows"][0]["pictures"], value["rows"][2]["pictures"]
    assert pixels(first["before"])[0, ::4].tolist() == [100, 101]  # a class's samples and no other's
    assert pixels(first["after"])[0, ::4].tolist() == [110, 111]
    assert pixels(last["before"])[0, ::4].tolist() == [104, 105]
    assert value["rows"][0]["differences"] == {"after|before": 10.0, "before|retrained": 5.0, "after|retrained": 15.0}
    assert pair_value("k", {"before": report(0, [0] * 6)}, NAMES, (0,)) is None


def test_a_sheet_travels_once_with_its_words() -> None:
    value = sheet_value(sheet(40, (0, 1, 1, 1, -1, 2)), NAMES, (0,))
    assert value is not None
    assert value["png"] == png(40)
    assert [row["signs"] for row in value["rows"]] == [["own", "other"], ["own", "own"], ["none", "own"]]
    assert [row["forgotten"] for row in value["rows"]] == [True, False, False]
    assert value["rows"][2]["text"] == "2 samples: 1 as Owl, 1 as none of the classes"
    assert value["rows"][0]["said"] == ["Cat", "Dog"]
    assert sheet_value(None, NAMES, ()) is None
    assert [row["too"] for row in value["rows"]] == [[False, False]] * 3
    assert "dotted" not in value["words"]["sheetNote"]


def test_what_was_wrong_before_the_run_is_marked_and_the_judge_says_how_often_it_errs() -> None:
    now, then = (0, 1, 1, 1, -1, 2), (0, 0, 1, -1, 0, 2)
    value = sheet_value(sheet(40, now), NAMES, (0,), before=then, judge="The judge errs too.")
    assert value is not None
    assert [row["too"] for row in value["rows"]] == [[False, False], [False, False], [True, False]]
    assert value["words"]["sheetNote"].endswith("wrong before the run, too. The judge errs too.")
    reports = {"before": report(100, list(then)), "after": report(110, list(now))}
    html = strips_html(reports, NAMES, (0,), judge="The judge errs too.")
    assert html.count(' too" title=') == 1
    assert 'class="none too" title="recognised as none of the classes; wrong before the run, too"' in html
    assert "The judge errs too." in html
    assert "too" not in strips_html({"before": reports["before"]}, NAMES, (0,))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        # Their cards: 91.34 % of test pictures accepted and right; 96.73 and, of held-out emoji, 82.47 %.
        ("fashion-mnist-ddpm", "it does not recognise 9 % of real test pictures."),
        ("emoji-dit", "does not recognise 3 % of those that it learned from and 18 % of others."),
        ("fashion-mnist-resnet", ""),
        ("no-such-model", ""),
    ],
)
def test_the_judges_own_errors_are_those_of_its_card(model: str, words: str) -> None:
    said = judge_note(model)
    assert said.endswith(words)
    assert bool(said) is bool(words)


def test_a_moment_has_its_own_sheet_and_numbers() -> None:
    assert moment_sheet(record(), 2)["sheet"]["png"] == png(40)
    text = moment(record(), 2)
    assert "forgotten classes recognised" in text
    assert "50.0 %" in text
    assert "forget accuracy" not in text
    assert moment_sheet(compare_examples.record(), 2) == {"sheet": None, "blurred": False}
    assert moment_sheet(record(events=()), 1) == {"sheet": None, "blurred": False}


def test_verdict_and_metrics_say_on_how_few_samples_they_stand() -> None:
    assert "Based on 100 samples of the forgotten classes and 99 of the others; 20 sampler steps" in summary_html(
        record()
    )
    assert "Based on" not in summary_html(compare_examples.record())
    table = metrics_html(record())
    assert "not FID" in table
    assert "one of 100 is 1.0 points" in table


def test_figures_for_files_hold_samples_and_timeline() -> None:
    drawn = figures(record())
    assert list(drawn) == ["curves", "samples", "timeline", "saliency"]
    titles = [axes.get_title() for axes in drawn["samples"].axes]
    assert titles == [f"{name} (20 steps, guidance 2)" for name in ("before", "after", "retrained")]
    assert [axes.get_title()[:12] for axes in drawn["timeline"].axes] == [
        "after step 0",
        "after step 2",
        "after step 4",
    ]
    first = drawn["samples"].axes[1].images[0].get_array()
    assert first[0, 0] == 110
    assert [text.get_text() for text in drawn["samples"].axes[1].texts] == ["0 of 2", "2 of 2", "1 of 2"]
    assert drawn["curves"].axes[0].get_ylabel() == "accepted samples (%)"
    assert Image.open(io.BytesIO(render(drawn["samples"], "png"))).size[0] > 400


def test_the_overlay_speaks_of_accepted_samples() -> None:
    figure, table = overlay(record(), {"mask": record(result=None)}, "forget accuracy")
    assert figure["value"].layout.title.text == "Forgotten classes accepted (%)"
    assert "Judge accuracy, other classes (JA) %" in table
    assert ">95.4<" in table


def test_each_kind_shows_its_own_part_alone(ctx: PageContext) -> None:
    names = [section.name for section in sections(record())]
    assert names == ["numbers", "timeline", "samples", "saliency", "break-it", "draw-more", "save"]
    concept = replace(record(), config=config(forget="concept:cat"))
    assert "bring-back" in [section.name for section in sections(concept)]
    assert "judge" in rules_of(record())
    assert rules_of(compare_examples.record()) != rules_of(record())
    run = ShownRun(ctx, "test", "")
    assert DrawMore(run, record(state="imported")).start.interactive is False  # a run from a file has no weights
    for section in sections(record()):
        section.draw(run, record())


def test_the_first_rows_are_some_to_forget_some_like_them_and_some_others() -> None:
    one = report(0, [0] * 6)
    assert first_rows({"before": one}, (1,), ()) == (1, 0, 2)
    assert first_rows({"before": one}, (0, 1, 2), ()) == (0, 1)
    six = replace(one, labels=np.arange(6))
    roles = ("direct", "direct", "paraphrase", "neighbour", "other", "other")
    assert first_rows({"before": six}, (0, 1, 2), roles) == (0, 2, 3, 4, 5)
    assert first_rows({}, (0,), ()) == ()


def test_pictures_that_are_gone_are_those_of_the_first_and_the_last_sheet() -> None:
    drawn = report_of(sheet(40, (0, 1, 1, 1, -1, 2)))
    assert drawn.images[:, 0, 0, 0].tolist() == [40, 41, 42, 43, 44, 45]
    assert drawn.labels.tolist() == [0, 0, 1, 1, 2, 2]
    html = pictures_html(record(reports={}))
    assert html.count("<img") == 3 * 2
    assert 'data-model="retrained"' not in html
    recorded = pictures_html(record(reports={}), Preview(i=4, sheet=sheet(60, (-1,) * 6)))
    assert recorded.count("<img") == 3 * 3
    assert 'alt="Retrained, 2 samples: 0 as Cat, 2 as none of the classes"' in recorded


def test_samples_that_memory_did_not_hold_are_not_called_freed(ctx: PageContext) -> None:
    drawing = (
        PhaseStarted(phase="evaluate", total=8),
        PhaseProgress(phase="evaluate", done=4, total=8),
        Finished(steps=4),
    )
    whole = (drawing[0], PhaseProgress(phase="evaluate", done=8, total=8), drawing[-1])
    runs = [
        record(state="imported", result=None, reports=reports, events=(*events()[:-1], *ended))
        for reports, ended in (({}, drawing), ({"before": record().samples["before"]}, drawing), ({}, whole))
    ]
    told = [strips_html(one.samples, NAMES, (0,), undrawn=one.undrawn) for one in runs]
    nothing, half, freed = told
    for said in (nothing, half, *(Compare(ShownRun(ctx, "test", ""), one).pictures.value for one in runs[:2])):
        assert "too little memory to draw all samples" in said
        assert "kept in memory as long as its weights" not in said
    assert half.count("<img") > 0 == nothing.count("<img")
    assert "too little memory" not in freed
    assert "kept in memory as long as its weights" in freed
    assert pictures_html(runs[2]).count("<img") == 6  # what the run looked at first and last


def test_a_list_of_runs_of_both_kinds() -> None:
    table = runs.runs_table([record(), compare_examples.record(key="c" * 32)])
    assert ">95.4<" in table
    assert ">98.0<" in table
    assert "SFR-on" in table
    assert "Quick" in table


def test_a_run_of_a_model_that_is_not_here_keeps_its_identifier() -> None:
    assert runs.model_title("fashion-mnist-resnet") == "Fashion-MNIST classifier"
    assert runs.model_title("hub:somebody/something@0123456789abcdef") == "hub:somebody/something@0123456789abcdef"


def read(folder: Path, lines: Iterable[str]) -> RunRecord:
    """A run whose files hold these events."""
    (folder / "events.jsonl").write_text("\n".join(lines))
    (folder / "config.json").write_text(json.dumps(config().to_json()))
    return read_files([folder / "events.jsonl", folder / "config.json"])


def test_run_files_of_a_generator_are_read(tmp_path: Path) -> None:
    seen = read(tmp_path, map(event_line, events()))
    assert seen.result == result()
    assert seen.events == events()
    assert seen.generates


@pytest.mark.parametrize(
    "change",
    [
        {"png": "no picture"},
        {"png": base64.b64encode(b"<svg onload=alert(1)>" * 9).decode()},
        {"png": png(1), "columns": 3},
        {"columns": 0},
        {"side": 5},
        {"accepted": [0]},
        {"labels": [], "accepted": []},
        {"labels": ["<b>"] * 6},
    ],
)
def test_a_foreign_sheet_that_is_not_one_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    lines = [json.loads(event_line(e)) for e in events()]
    at = next(k for k, line in enumerate(lines) if line["event"] == "Preview")
    lines[at]["sheet"].update(change)
    with pytest.raises(AssetError):
        read(tmp_path, map(json.dumps, lines))


def test_samples_count_as_memory() -> None:
    class Held:
        before, after = None, None
        reports = {"after": report(0, [0] * 6)}  # noqa: RUF012

    assert session_bytes(Held()) == 6 * 16 + 6 * 8 + 6 * 8


def test_a_model_without_a_judge_has_pictures_and_no_counts() -> None:
    bare = replace(report(100, [0] * 6), accepted=np.zeros(0, np.int64))
    one = record(result=None, reports={"before": bare, "after": bare}, config=config(model=f"hub:a/b@{'0' * 40}"))
    assert one.unjudged
    assert "has no judge" in summary_html(one)
    assert "Without a judge" in metrics_html(one)
    html = strips_html(one.samples, NAMES, (0,))
    assert html.count("<img") == 6
    assert "decide for yourself what they show" in html
    assert "✓" not in html
    assert 'alt="before, 2 samples"' in html.replace("Before", "before")
    value = sheet_value(sheet(9, ()), NAMES, (0,))
    assert value is not None
    assert "nobody counts" in value["words"]["sheetNote"]
    assert [row["signs"] for row in value["rows"]] == [[]] * len(value["rows"])
    check_sheet(sheet(9, ()), "events.jsonl")
    with pytest.raises(AssetError, match="not a sheet"):
        check_sheet(sheet(9, (1,)), "events.jsonl")
    assert "samples" in figures(one)
    # Of a shipped model, a run without a result was broken off.
    assert not record(result=None).unjudged
