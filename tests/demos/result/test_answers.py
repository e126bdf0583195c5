"""A classifier's answers side by side, on the run of compare_examples, whose predictions are known by hand."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
from PIL import Image

from demos.result.answers import answers_html
from sfr_core.events import Prediction
from tests.demos.compare_examples import config, record


def row(html: str, label: int) -> str:
    return re.split(r'<div class="gen-row', html)[
        [f'data-class="{label}"' in p for p in re.split(r'<div class="gen-row', html)].index(True)
    ]


def signs(text: str) -> list[str]:
    return re.findall(r'<i class="\w+" title="[^"]*">([^<]*)</i>', text)


def test_a_class_is_a_row_and_every_model_answers_on_the_same_pictures() -> None:
    html = answers_html(record())
    assert html.count('class="gen-row forget"') == 1
    assert html.index('data-class="0"') < html.index('data-class="1"')  # the forgotten class first
    cat = row(html, 0)
    # test pictures 0 and 1 are cats; before says cat, cat; after dog, owl; retrained dog, dog
    assert signs(cat) == ["✓", "✓", "✗ Dog", "✗ Owl", "✗ Dog", "✗ Dog"]
    assert 'alt="After: Cat taken for Dog, Cat taken for Owl"' in cat
    assert re.findall(r"<span>([^<]*)</span>", cat) == ["100 %", "0 %", "0 %"]
    shown = np.asarray(
        Image.open(io.BytesIO(base64.b64decode(re.findall(r'src="data:image/png;base64,([^"]*)"', cat)[0])))
    )
    test = record().dataset.test.images  # type: ignore[union-attr]
    assert (shown[:, :2] == test[0, :, :, 0]).all()
    assert (shown[:, 2:4] == test[1, :, :, 0]).all()
    assert shown.shape == (2, 4)  # there is no third cat
    assert 'style="--columns:2;--of:3"' in cat


def test_without_predictions_it_is_what_the_run_looked_at() -> None:
    html = answers_html(record(reports={}))
    # one cat, said to be a cat at first and a dog at last; no retrained model
    assert signs(html) == ["✓", "✗ Dog"]
    said = (Prediction(source="test", row=1, label=0, predicted=2, confidence=0.5),)
    assert signs(answers_html(record(reports={}), said)) == ["✓", "✗ Dog", "✗ Owl"]
    assert "kept in memory" in answers_html(record(reports={}, events=()))


def test_a_random_share_has_a_row_of_its_own() -> None:
    from sfr_core.data.splits import parse_forget

    names = record().class_names
    html = answers_html(record(config=config(forget="samples:0,3"), spec=parse_forget("samples:0,3", names)))
    first = row(html, -1)
    # training pictures 0 (a cat) and 3 (a dog): before 0 and 1, after 0 and 1, retrained 1 and 1
    assert signs(first) == ["✓", "✓", "✓", "✓", "✗ Dog", "✓"]
    assert "Forget set" in first
