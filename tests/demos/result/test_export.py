"""Downloads: whole, private, equal to each other, and never named after what a visitor wrote."""

from __future__ import annotations

import csv
import io
import json
import stat
import tempfile
import zipfile
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from demos.plots.files import render, saliency_figure
from demos.result.export import KEEP_SECONDS, Shelf, metrics_csv
from sfr_core.configs import RunConfig
from sfr_core.errors import InputError
from sfr_core.results import RunResult
from sfr_core.runs.files import read_events
from tests.demos.compare_examples import config, events, record, result


def rows(text: str) -> dict[str, dict[str, str]]:
    return {row["metric"]: row for row in csv.DictReader(io.StringIO(text))}


def test_csv_holds_the_same_numbers_as_the_json_without_rounding() -> None:
    odd = result(seconds=1 / 3)
    table = rows(metrics_csv(record(result=odd)))
    for key in ("FA", "RA", "TA", "MIA", "TA_forget", "TA_remain", "KL", "MIA_svc"):
        assert float(table[key]["before"]) == getattr(odd.before, key)
        assert float(table[key]["after"]) == getattr(odd.after, key)
        assert odd.retrained is not None
        assert float(table[key]["retrained"]) == getattr(odd.retrained, key)
    assert float(table["avg_d"]["after"]) == 1.25
    assert float(table["seconds"]["after"]) == 1 / 3
    assert float(table["kl_floor"]["retrained"]) == 0.125
    assert table["MIA"]["gap_to_retrained"] == "3.0"


def test_csv_names_unit_direction_and_n_of_every_metric() -> None:
    table = rows(metrics_csv(record()))
    assert (table["FA"]["unit"], table["FA"]["n"]) == ("%", "2")
    assert (table["RA"]["n"], table["TA"]["n"]) == ("4", "6")
    assert (table["TA_forget"]["n"], table["TA_remain"]["n"]) == ("2", "4")
    assert table["KL"]["unit"] == "nats"
    assert all(row["good"] for row in table.values())


def test_csv_leaves_out_what_there_is_none_of() -> None:
    table = rows(metrics_csv(record(result=result(retrained=None, avg_d=None, avg_d_before=None, kl_floor=None))))
    assert table["FA"]["retrained"] == ""
    assert not {"avg_d", "kl_floor"} & set(table)


def test_json_and_events_read_back_as_what_they_were() -> None:
    shelf = Shelf()
    whole = RunResult.from_json(json.loads(shelf.write("result", record(), None).read_text()))
    assert whole == result()
    assert RunConfig.from_json(json.loads(shelf.write("config", record(), None).read_text())) == config()
    assert tuple(read_events(shelf.write("events", record(), None))) == events()


@pytest.mark.parametrize(("kind", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_figures_come_as_a_zip_of_real_pictures(kind: Any, start: bytes) -> None:
    with zipfile.ZipFile(Shelf().write(kind, record(), None)) as archive:
        names = archive.namelist()
        assert names == [f"{stem}.{kind}" for stem in ("curves", "confusion", "classes", "saliency")]
        assert all(archive.read(name).startswith(start) for name in names)


def test_equal_runs_give_equal_figure_files() -> None:
    first, second = (render(saliency_figure(record()), "svg") for _ in range(2))
    assert first == second


def test_weights_are_the_runs_outcome() -> None:
    torch = pytest.importorskip("torch")
    load = pytest.importorskip("safetensors.torch").load_file
    session = SimpleNamespace(
        config=config(), after={"w": torch.ones(2)}, whole=True, outcome=lambda: {"w": torch.tensor([1.0, 2.0])}
    )
    path = Shelf().write("weights", record(), SimpleNamespace(session=session))  # type: ignore[arg-type]
    assert path.name == "after.safetensors"
    assert load(path)["w"].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("session", [None, SimpleNamespace(after=None)])
def test_weights_that_are_gone_are_refused_with_a_sentence(session: Any) -> None:
    with pytest.raises(InputError, match="no longer in memory"):
        Shelf().write("weights", record(), SimpleNamespace(session=session))  # type: ignore[arg-type]


def test_a_run_without_a_result_has_no_metrics_to_save() -> None:
    for kind in ("csv", "result"):
        with pytest.raises(InputError, match="no metrics"):
            Shelf().write(kind, record(result=None), None)  # type: ignore[arg-type]


def test_pictures_that_came_from_files_are_saved_with_their_names() -> None:
    one = record()
    assert one.dataset is not None
    names = [
        tuple(f"{part}/{i}.png" for i in range(len(p)))
        for part, p in (("a", one.dataset.train), ("b", one.dataset.test))
    ]
    of_files = replace(one.dataset, files=names[0], test_files=names[1])
    table = Shelf().write("rows", replace(one, dataset=of_files), None)
    assert table.name == "rows.csv"
    lines = table.read_text().splitlines()
    assert [int(line.split(",")[0]) for line in lines if line.endswith(",yes")] == one.forget_rows().tolist()
    assert len(lines) == 1 + len(names[0]) + len(names[1])
    with pytest.raises(InputError, match="came from no files"):
        Shelf().write("rows", one, None)


def test_every_download_lies_alone_in_a_private_folder() -> None:
    shelf = Shelf()
    first, second = (
        shelf.write("config", record(key="../../etc", config=config(model="../x")), None) for _ in range(2)
    )
    assert first.parent != second.parent
    assert first.name == "config.json"
    assert first.resolve().is_relative_to(Path(tempfile.gettempdir()).resolve())
    assert stat.S_IMODE(first.parent.stat().st_mode) == 0o700
    assert list(first.parent.iterdir()) == [first]


def test_old_downloads_are_swept_and_fresh_ones_stay() -> None:
    now = [0.0]
    shelf = Shelf(clock=lambda: now[0])
    old = shelf.write("config", record(), None)
    now[0] = KEEP_SECONDS - 1
    middle = shelf.write("config", record(), None)
    assert old.exists()
    now[0] = KEEP_SECONDS + 1
    shelf.write("config", record(), None)
    assert not old.parent.exists()
    assert middle.exists()


def test_the_report_is_one_page_that_asks_no_machine_and_runs_nothing() -> None:
    hostile = 'concept:<script>alert(1)</script>" onload="x'
    for one in (record(), record(result=None), record(config=config(forget=hostile), result=None)):
        text = Shelf().write("report", one, None).read_text(encoding="utf-8")
        page = Outline()
        page.feed(text)
        assert page.tags.isdisjoint({"script", "link", "iframe", "object", "form", "base"})
        assert page.sources
        assert all(source.startswith("data:image/") for source in page.sources)
        assert not any(name.startswith("on") for name in page.attributes)
        assert "url(" not in text
        assert "@import" not in text
    whole = Shelf().write("report", record(), None).read_text(encoding="utf-8")
    assert metrics_csv(record()).splitlines()[1].split(",")[0] == "FA"
    for part in ("All numbers", "Forget accuracy", "Settings", "&#34;method&#34;: &#34;sfr-on&#34;", "not a guarantee"):
        assert part in whole


class Outline(HTMLParser):
    """What a browser would fetch or run of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.sources: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]
