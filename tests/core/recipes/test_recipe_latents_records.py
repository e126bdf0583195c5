"""Records in a card are what a run would measure of the same models."""

from dataclasses import replace
from pathlib import Path

import pytest

from recipes import latents_records
from recipes.latents_records import with_records
from sfr_core.metrics.generation import Protocol
from sfr_core.runs import session as sessions
from tests.core.tiny import CLASSES
from tests.core.tiny_dit import FORGET, dit_card, dit_gold, rgb_judge


def test_records_of_every_category_and_of_the_twin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sampler = Protocol(20, 4)
    monkeypatch.setattr(latents_records, "protocol_of", lambda _: sampler)
    monkeypatch.setattr(latents_records, "PRECISION", "fp32")
    monkeypatch.setattr(sessions, "open_judge", lambda _: rgb_judge())
    model = dit_card(tmp_path)
    model = with_records(replace(model, retrained=(dit_gold(tmp_path),)))
    assert sorted(model.records) == sorted(f"class:{name}" for name in CLASSES)
    (twin,) = model.retrained
    before, retrained = model.records[FORGET][sampler.name], twin.records[sampler.name]
    assert (before.n_samples, before.sampler_steps, before.guidance) == (20, 4, sampler.guidance)
    assert retrained != before  # another network's samples
    assert retrained.n_remain == before.n_remain
    with pytest.raises(ValueError, match="forgets no categories"):
        with_records(replace(model, kind="text-to-image"))
