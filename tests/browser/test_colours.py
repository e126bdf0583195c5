"""Figures that Python draws, on a light and on a dark page: a model and a set have the colours that they have live."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest
from playwright.sync_api import Browser

from demos import theme
from demos.colours import token
from demos.plots.confusion import class_change_figure
from demos.plots.layers import layers_figure, recount
from demos.records.predictions import confusions
from demos.static_files import plotly_file
from tests.demos.compare_examples import MASK, NAMES, record

PAINTED = """() => {
  const seen = (name) => { const one = document.createElement('i'); one.style.color = `var(--pg-${name})`; document.body.append(one); return getComputedStyle(one).color; };
  const fill = (selector) => getComputedStyle(document.querySelector(selector)).fill;
  return {
    bars: [fill('#layers .points path'), seen('remain')],
    patterns: [fill('#classes pattern rect'), seen('after')],
  };
}"""


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(part) for part in bytes.fromhex(colour[1:]))})"


@pytest.mark.parametrize("dark", [False, True])
def test_figures_have_the_colours_of_the_page(chromium: Browser, dark: bool) -> None:
    figures: dict[str, go.Figure] = {
        "classes": class_change_figure(confusions(record()), NAMES),
        "layers": layers_figure(recount(MASK, None)),
    }
    page = chromium.new_page()
    page.set_content(
        f"<style>{theme.css()}</style><body class='{'dark' if dark else ''}'>"
        + "".join(f"<div class='cmp-plot'><div id='{name}'></div></div>" for name in figures)
    )
    page.add_script_tag(path=plotly_file())
    for name, figure in figures.items():
        page.evaluate(f"Plotly.newPlot('{name}', {figure.to_json()})")
    painted = page.evaluate(PAINTED)
    for shown, wanted in painted.values():
        assert shown == wanted
    assert (painted["bars"][0] == rgb(token("remain"))) is not dark
    page.close()
