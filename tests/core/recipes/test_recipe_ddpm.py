"""Training steps of the diffusion recipe: resuming, label dropout, the saved folder, the published card."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, UNet2DModel

from recipes.ddpm import (
    Training,
    antithetic_timesteps,
    draw,
    drop_labels,
    ema_decay,
    loss_weights,
    pictures,
    resume,
    rows_at,
    to_pixels,
)
from recipes.ddpm_folder import ARCHITECTURE, CARD, NULL, WEIGHTS, Progress, build_unet, load_folder, publish
from sfr_core.data.datasets import ASSETS
from tests.core.recipes.ddpm_examples import some_pictures, tiny_unet

__all__ = ["tiny_unet"]

NOWHERE = Path("nowhere")


def weights(training: Training) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in training.model.state_dict().items()}


@pytest.mark.usefixtures("tiny_unet")
def test_resumed_training_equals_one_in_a_go(tmp_path: Path) -> None:
    x, y = some_pictures()
    whole = resume(tmp_path / "a", NOWHERE, seed=5)
    for _ in range(4):
        whole.step(x, y, batch=8)
    half = resume(tmp_path / "b", NOWHERE, seed=5)
    before = weights(half)
    for _ in range(2):
        half.step(x, y, batch=8)
    half.save(tmp_path / "b")
    again = resume(tmp_path / "b", NOWHERE, seed=5)
    for _ in range(2):
        again.step(x, y, batch=8)
    assert again.progress == whole.progress
    assert (again.progress.images, again.progress.steps) == (32, 4)
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, again.model.state_dict()[name]), name
        assert torch.equal(whole.average[name], again.average[name]), name
    assert not torch.equal(before["conv_in.weight"], whole.model.conv_in.weight)
    assert not torch.equal(whole.average["conv_in.weight"], whole.model.conv_in.weight)


@pytest.mark.usefixtures("tiny_unet")
def test_training_lowers_the_loss_on_the_same_pictures() -> None:
    x, y = some_pictures(8)
    training = Training(build_unet(0), Progress())
    losses = [training.step(x, y, batch=8) for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


@pytest.mark.usefixtures("tiny_unet")
def test_another_seed_is_refused(tmp_path: Path) -> None:
    resume(tmp_path, NOWHERE, seed=1).save(tmp_path)
    with pytest.raises(ValueError, match="has seed 1, not 2"):
        resume(tmp_path, NOWHERE, seed=2)


@pytest.mark.usefixtures("tiny_unet")
def test_saved_folder_opens_with_diffusers(tmp_path: Path) -> None:
    training = Training(build_unet(0), Progress())
    training.save(tmp_path)
    folder = tmp_path / "model"
    model = UNet2DModel.from_pretrained(folder, local_files_only=True)
    scheduler = DDIMScheduler.from_pretrained(folder)
    assert model.config.num_class_embeds == NULL + 1
    assert (scheduler.config.beta_schedule, scheduler.config.timestep_spacing) == ("linear", "trailing")
    stored = load_folder(folder).state_dict()
    for name, tensor in training.average.items():
        assert torch.equal(stored[name], tensor.half().float()), name
    assert stored["conv_in.weight"].dtype == torch.float32
    assert sum(2 * t.numel() for t in stored.values()) <= (folder / WEIGHTS).stat().st_size < 10_000_000
    assert model(torch.zeros(2, 1, 28, 28), 5, torch.tensor([0, NULL])).sample.shape == (2, 1, 28, 28)


@pytest.mark.usefixtures("tiny_unet")
def test_published_model_is_where_the_next_training_goes_on(tmp_path: Path) -> None:
    work, target = tmp_path / "work", tmp_path / "target"
    x, y = some_pictures()
    training = resume(work, target, seed=4)
    training.step(x, y, batch=8)
    digest = training.save(work)
    (work / "quality.json").write_text(json.dumps({"sha256": digest, "weakest": 12.0}))
    publish(work, target, training.progress, "make it")
    card = json.loads((target / CARD).read_text())
    assert (card["images_seen"], card["sha256"], card["quality"]) == (8, digest, {"weakest": 12.0})
    assert not (target / "card.json").exists()
    after = resume(tmp_path / "gone", target, seed=4)
    assert (after.progress.images, after.progress.steps, after.progress.restarts) == (8, 1, 1)
    assert after.since_start == 0
    for name, tensor in after.model.state_dict().items():
        assert torch.equal(tensor, training.average[name].half().float())


@pytest.mark.usefixtures("tiny_unet")
def test_quality_of_other_weights_is_not_published(tmp_path: Path) -> None:
    training = resume(tmp_path, NOWHERE, seed=0)
    training.save(tmp_path)
    (tmp_path / "quality.json").write_text(json.dumps({"sha256": "0" * 64}))
    with pytest.raises(ValueError, match="other weights"):
        publish(tmp_path, tmp_path / "target", training.progress, "make it")
    assert not (tmp_path / "target").exists()


def test_a_tenth_of_the_labels_is_dropped() -> None:
    labels = torch.arange(20_000) % 10
    dropped = drop_labels(labels, torch.Generator().manual_seed(0))
    gone = dropped == NULL
    assert 0.09 < float(gone.float().mean()) < 0.11
    assert torch.equal(dropped[~gone], labels[~gone])
    assert drop_labels(labels, torch.Generator(), share=0.0).equal(labels)
    assert (drop_labels(labels, torch.Generator(), share=1.0) == NULL).all()


def test_timesteps_mirror_each_other() -> None:
    t = antithetic_timesteps(7, torch.Generator().manual_seed(0))
    assert len(t) == 7
    assert torch.equal(t[4:], 999 - t[:3])


def test_rows_pass_through_every_picture_once_an_epoch() -> None:
    stream = np.concatenate([rows_at(0, at, 6, 10) for at in range(0, 30, 6)])
    for epoch in range(3):
        assert Counter(stream[10 * epoch : 10 * epoch + 10].tolist()) == Counter(range(10))
    assert stream[:10].tolist() != stream[10:20].tolist()
    assert stream[:10].tolist() != rows_at(1, 0, 10, 10).tolist()


def test_each_step_has_draws_of_its_own() -> None:
    def first(seed: int, images: int) -> float:
        return float(torch.rand(1, generator=draw(seed, images)))

    assert first(0, 64) == first(0, 64)
    assert len({first(0, 0), first(0, 64), first(1, 0), first(64, 0)}) == 4


def test_weights_cut_only_timesteps_with_little_noise() -> None:
    signal = torch.tensor([0.99, 0.9, 0.5])  # signal-to-noise 99, 9 and 1
    assert loss_weights(torch.tensor([0, 1, 2]), signal).tolist() == pytest.approx([5 / 99, 5 / 9, 1.0], rel=1e-4)


def test_average_follows_fast_at_first_and_slowly_at_last() -> None:
    assert ema_decay(1) == pytest.approx(2 / 11)
    assert ema_decay(890) == pytest.approx(0.99)
    assert ema_decay(1_000_000) == 0.9995


def test_pixels_are_scaled_to_one_around_zero() -> None:
    found = to_pixels(np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1))
    assert found.shape == (1, 1, 1, 3)
    assert found.flatten().tolist() == pytest.approx([-1.0, -0.6, 1.0])


def test_left_out_class_is_not_among_the_pictures() -> None:
    data = pictures("Trouser", ASSETS / "fashion_mnist")
    assert len(data) == 9000
    assert sorted(set(data.labels.tolist())) == [0, 2, 3, 4, 5, 6, 7, 8, 9]


def test_shipped_size_is_between_one_and_a_half_and_three_million() -> None:
    assert ARCHITECTURE["sample_size"] == 28
    assert 1_500_000 < sum(p.numel() for p in build_unet(0).parameters()) < 3_000_000
