"""What stands in the figures equals what was counted by hand; figures for files are real PNG and SVG."""

from __future__ import annotations

import io
import subprocess
import sys
import xml.etree.ElementTree as ET

from PIL import Image

from demos.plots.confusion import class_change_figure, confusion_change_figure, confusion_figure
from demos.plots.curves import curve, overlay_figure
from demos.plots.files import figures, render
from demos.plots.layers import layers_figure, nearest_threshold, recount, total_share
from demos.records.predictions import confusions
from tests.demos.compare_examples import MASK, NAMES, record


def test_confusion_figure_shows_the_counts_and_leaves_zeros_blank() -> None:
    (trace,) = confusion_figure("After", confusions(record())["after"], NAMES).data
    assert [list(row) for row in trace.z] == [[0, 1, 1], [0, 1, 1], [0, 2, 0]]
    assert [list(row) for row in trace.text] == [["", "1", "1"], ["", "1", "1"], ["", "2", ""]]
    assert list(trace.x) == list(trace.y) == list(NAMES)


def test_change_figure_signs_every_number() -> None:
    found = confusions(record())
    (trace,) = confusion_change_figure("Change", found["before"], found["after"], NAMES).data
    assert [list(row) for row in trace.z] == [[-2, 1, 1], [0, -1, 1], [0, 1, -1]]
    assert [list(row) for row in trace.text] == [["−2", "+1", "+1"], ["", "−1", "+1"], ["", "+1", "−1"]]
    assert trace.zmin == -2
    assert trace.zmax == 2


def test_class_change_bars_are_points_against_before() -> None:
    after, retrained = class_change_figure(confusions(record()), NAMES).data
    # before: 100, 100, 50 %; after: 0, 50, 0 %; retrained: 0, 100, 100 %
    assert list(after.y) == [-100.0, -50.0, -50.0]
    assert list(retrained.y) == [-100.0, 0.0, 50.0]
    assert after.marker.pattern.shape != retrained.marker.pattern.shape


def test_curves_hold_live_accuracies_and_leave_out_steps_without_a_loss() -> None:
    assert curve(record(), "forget accuracy").x == (0, 2, 4)
    assert curve(record(), "forget accuracy").y == (100.0, 50.0, 0.0)
    assert curve(record(), "forget loss") == type(curve(record(), "forget loss"))((1, 2, 4), (0.5, 1.5, 3.0))
    assert curve(record(), "remain loss").y == (0.25, 0.375, 0.3, 0.2)


def test_overlaid_runs_differ_in_dash_and_marker_not_only_in_colour() -> None:
    figure = overlay_figure([("as it was", record()), ("no mask", record()), ("third", record())], "remain accuracy")
    assert [trace.name for trace in figure.data] == ["as it was", "no mask", "third"]
    assert len({trace.line.dash for trace in figure.data}) == 3
    assert len({trace.marker.symbol for trace in figure.data}) == 3
    assert list(figure.data[1].y) == [98.0, 95.0, 97.0]


def test_recount_reads_the_recorded_counts_exactly() -> None:
    assert [c.kept for c in recount(MASK, None)] == [4, 1]
    assert [[c.kept for c in recount(MASK, j)] for j in range(3)] == [[7, 2], [4, 1], [1, 0]]
    assert total_share(recount(MASK, 0)) == 90.0
    assert total_share(recount(MASK, 2)) == 10.0
    assert nearest_threshold(MASK) == 1


def test_layers_figure_shows_shares_in_percent_by_layer() -> None:
    (trace,) = layers_figure(recount(MASK, 0)).data
    assert list(trace.x) == [87.5, 100.0]
    assert list(trace.y) == ["conv.weight", "fc.bias"]


def test_every_figure_for_files_opens_as_png_and_as_svg() -> None:
    drawn = figures(record())
    assert list(drawn) == ["curves", "confusion", "classes", "saliency"]
    for figure in drawn.values():
        assert Image.open(io.BytesIO(render(figure, "png"))).size[0] > 400
        assert ET.fromstring(render(figure, "svg")).tag == "{http://www.w3.org/2000/svg}svg"


def test_curves_for_files_hold_the_recorded_points() -> None:
    left, right = figures(record())["curves"].axes
    assert [list(line.get_ydata()) for line in left.lines] == [[100.0, 50.0, 0.0], [98.0, 95.0, 97.0]]
    assert list(right.lines[0].get_xdata()) == [1, 2, 4]
    assert {line.get_linestyle() for line in left.lines} == {"-", "--"}


def test_classes_for_files_hold_the_changes() -> None:
    bars = figures(record())["classes"].axes[0].patches
    assert [bar.get_height() for bar in bars] == [-100.0, -50.0, -50.0, -100.0, 0.0, 50.0]


def test_figures_need_neither_gradio_nor_torch_nor_pyplot() -> None:
    code = (
        "import sys, demos.plots.files, demos.plots.confusion, demos.plots.curves, demos.plots.layers\n"
        "print([m for m in ('gradio', 'torch', 'matplotlib.pyplot') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
