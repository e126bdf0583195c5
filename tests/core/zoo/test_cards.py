"""Cards of generators: records by protocol, the round trip, and what a bad one answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sfr_core.errors import AssetError
from sfr_core.metrics.generation import PAGE
from sfr_core.results import GeneratorRecord
from sfr_core.zoo.cards import ModelCard, RetrainedModel, Sampling, read_card, write_card
from tests.core.tiny_run import tiny_card

RECORD = GeneratorRecord(
    FA=97.0, FA_softmax=99.0, accepted_any=98.0, JA_remain=80.0, FD_remain=1.5, judge_entropy=0.1, diversity=0.9, n_samples=100,
    n_remain=99, sampler_steps=20, guidance=2.0,
)  # fmt: skip


def generator_card(folder: Path) -> ModelCard:
    reference = RetrainedModel(
        spec="class:Trouser", second=False, file="retrained/class-Trouser.safetensors", bytes=1, sha256="0", seed=0, wall_seconds=None,
        cpu_seconds=7.0, metrics={}, records={PAGE.name: RECORD}, training={"images_seen": 640},
    )  # fmt: skip
    return replace(
        tiny_card(folder, retrained=False),
        kind="ddpm",
        wall_seconds=None,
        retrain_clock="cpu",
        retrained=(reference,),
        judge="fashion-mnist-judge",
        sampling=Sampling(steps=20, guidance=2.0),
        records={"class:Trouser": {"100@20": RECORD, "500@50": replace(RECORD, n_samples=500, sampler_steps=50)}},
        training={"images_seen": 6400},
    )


def test_a_generators_card_survives_the_round_trip(tmp_path: Path) -> None:
    model = generator_card(tmp_path)
    write_card(model)
    assert read_card(tmp_path) == model
    data = json.loads((tmp_path / "card.json").read_text())
    assert data["records"]["class:Trouser"]["100@20"]["FA"] == 97.0
    assert data["retrained"][0]["records"]["100@20"]["n_remain"] == 99
    assert data["sampling"] == {"steps": 20, "guidance": 2.0}


def test_a_classifiers_card_says_nothing_of_sampling(tmp_path: Path) -> None:
    write_card(tiny_card(tmp_path))
    data = json.loads((tmp_path / "card.json").read_text())
    names = {"judge", "sampling", "records", "training", "retrain_clock"}
    assert not names & set(data)
    assert not any(names & set(reference) for reference in data["retrained"])


@pytest.mark.parametrize(
    "damage",
    [
        {"kind": "gan"}, {"judge": None}, {"sampling": None}, {"sampling": {"steps": 20}}, {"sampling": 3},
        {"records": {"class:Trouser": {"100@20": {"FA": 1.0}}}}, {"records": [1]},
    ],
    ids=str,
)  # fmt: skip
def test_a_bad_card_of_a_generator_is_one_clear_sentence(tmp_path: Path, damage: dict[str, Any]) -> None:
    write_card(generator_card(tmp_path))
    path = tmp_path / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **damage}))
    with pytest.raises(AssetError, match="cannot be read"):
        read_card(tmp_path)
