"""Records in a card are what a run would measure of the same models."""

from dataclasses import replace
from pathlib import Path

import pytest

from recipes import records
from recipes.records import with_records
from sfr_core.metrics.generation import Protocol
from sfr_core.runs import session as sessions
from tests.core.tiny import CLASSES
from tests.core.tiny_dit import FORGET, dit_card, dit_retrained, rgb_judge


def test_records_of_every_class_and_of_the_retrained_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PRECISION", "fp32")
    monkeypatch.setattr(sessions, "open_judge", lambda _: rgb_judge())
    model, sampler, more = dit_card(tmp_path), Protocol(20, 4), Protocol(18, 2)
    model = with_records(replace(model, retrained=(dit_retrained(tmp_path),)), sampler, CLASSES)
    assert sorted(model.records) == sorted(f"class:{name}" for name in CLASSES)
    (reference,) = model.retrained
    before, retrained = model.records[FORGET][sampler.name], reference.records[sampler.name]
    assert (before.n_samples, before.sampler_steps, before.guidance) == (20, 4, sampler.guidance)
    assert retrained != before  # another network's samples
    assert retrained.n_remain == before.n_remain
    again = with_records(model, more, [FORGET.removeprefix("class:")])  # beside those that are there
    assert list(again.records[FORGET]) == list(again.retrained[0].records) == [sampler.name, more.name]
    assert again.records[FORGET][sampler.name] == before
    assert again.records[FORGET][more.name].n_samples == 18
    with pytest.raises(ValueError, match="forgets no categories"):
        with_records(replace(model, kind="text-to-image"), sampler, CLASSES)
