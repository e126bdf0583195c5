"""Training steps of every generator: resuming, the last phase, what ends a training, and what each step draws."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DiTTransformer2DModel, UNet2DConditionModel, UNet2DModel

from recipes.ddpm.training import RECIPES
from recipes.latents import recipes as latents
from recipes.learner import Progress, draw, ema_decay, loss_weights, rows_at, to_pixels
from recipes.publish import LARGEST_FILE
from recipes.train import batches, folder_of, last_phase
from tests.recipes.generators import EVERY, EXAMPLES, Example, ddpm

DDPM = EXAMPLES["ddpm"]


@EVERY
def test_resumed_training_equals_one_in_a_go(example: Example, tmp_path: Path) -> None:
    before = example.training().weights.state_dict()
    whole = example.training(steps=4)
    example.training(steps=2).save(tmp_path)
    again = example.training(tmp_path, steps=2)
    assert again.progress == whole.progress
    assert (again.progress.images, again.progress.steps) == (4 * example.recipe.batch, 4)
    found = whole.weights.state_dict()
    for name, tensor in found.items():
        assert torch.equal(tensor, again.weights.state_dict()[name]), name
        assert torch.equal(whole.average[name], again.average[name]), name
    changed = {name for name, tensor in found.items() if not torch.equal(tensor, before[name])}
    assert len(changed) > 20
    assert not torch.equal(whole.average[name := min(changed)], found[name])
    learned = {"ddpm": "conv_in.weight", "text-to-image": "text_encoder.embeddings.token_embedding.weight"}
    assert learned.get(example.recipe.kind, name) in changed


def test_training_lowers_the_loss_on_the_same_pictures() -> None:
    images, labels = (some[:8] for some in DDPM.shown)
    training = DDPM.training(seed=0)
    losses = [training.step(images, labels) for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_another_seed_is_refused(tmp_path: Path) -> None:
    DDPM.training(seed=1).save(tmp_path)
    with pytest.raises(ValueError, match="has seed 1, not 2"):
        DDPM.training(tmp_path, seed=2)


def test_last_phase_ends_at_rate_nought_and_leaves_the_training_it_came_from(tmp_path: Path) -> None:
    full, end = tmp_path / "full", tmp_path / "end"
    training = DDPM.training()
    training.since_start = 1000  # past the warm-up
    DDPM.step(training)
    training.save(full)
    kept = (full / "state.pt").read_bytes()
    whole = last_phase(DDPM.training, full, end, 32)
    rates = []
    for _ in batches(None, None, whole.progress, []):
        rates.append(whole.rate() / DDPM.recipe.lr)
        DDPM.step(whole)
    assert rates == pytest.approx([1.0, 0.75, 0.5, 0.25])
    assert (whole.rate(), whole.progress.finished, whole.progress.images) == (0.0, 1.0, 40)
    half = last_phase(DDPM.training, full, end, 32)
    DDPM.step(half, 2)
    half.save(end)
    again = last_phase(DDPM.training, full, end, 32)
    assert again.progress.finished == 0.5
    DDPM.step(again, 2)
    for name, tensor in whole.average.items():
        assert torch.equal(tensor, again.average[name]), name
    again.save(end)
    # A finished one is begun anew from the training at full rate.
    assert last_phase(DDPM.training, full, end, 32).progress.finished == 0.0
    assert (full / "state.pt").read_bytes() == kept
    with pytest.raises(FileNotFoundError, match="no training to finish"):
        last_phase(DDPM.training, tmp_path / "x", tmp_path / "y", 32)


def test_last_phase_averages_over_its_last_tenth() -> None:
    training = DDPM.training()
    training.progress.steps = 100_000
    training.begin_finish(320)
    before = training.average["conv_in.weight"].clone()
    DDPM.step(training)  # 40 steps in the phase, so it averages over 4
    live = training.model.conv_in.weight.detach()
    torch.testing.assert_close(training.average["conv_in.weight"], before.lerp(live, 0.25))


def test_training_stops_by_images_by_signal_and_at_the_end_of_a_phase() -> None:
    assert len(list(batches(None, 10, Progress(images=10), []))) == 0
    assert len(list(batches(None, None, Progress(images=5, finish_from=1, finish_images=4), []))) == 0
    assert len(list(batches(None, None, Progress(), [15]))) == 0
    progress = Progress()
    for _ in batches(None, 3, progress, []):
        progress.images += 1
    assert progress.images == 3


@pytest.mark.parametrize("size", ["small", "paper"])
def test_a_step_on_coloured_pictures(size: str, tmp_path: Path) -> None:
    example = ddpm("cifar10", size)
    training = example.training(seed=1)
    before = training.model.conv_out.weight.clone()
    assert np.isfinite(training.step(*example.shown))
    assert not torch.equal(before, training.model.conv_out.weight)
    training.save(tmp_path)
    assert type(training.model).from_pretrained(tmp_path / "model").config.in_channels == 3


def test_names_of_folders_and_commands() -> None:
    fashion, small, paper = (
        RECIPES[key] for key in [("fashion-mnist", "small"), ("cifar10", "small"), ("cifar10", "paper")]
    )
    dit = latents.RECIPES["emoji-dit"]
    assert folder_of(fashion, None, False).name == "ddpm"
    assert folder_of(fashion, "Ankle boot", True).name == "ddpm-without-Ankle-boot-finished"
    assert folder_of(paper, None, False).name == "cifar10-ddpm-paper"
    assert folder_of(dit, None, False).name == "emoji-dit"
    assert folder_of(dit, "dishes and drinks", True).name == "emoji-dit-without-dishes-and-drinks-finished"
    assert small.command(Progress(folder=True), None).endswith("--data cifar10 --size small --seed 0 --folder DIR")
    assert fashion.command(Progress(), None) == "python -m recipes.ddpm --seed 0"
    assert paper.command(Progress(seed=1), "cat") == (
        "python -m recipes.ddpm --data cifar10 --size paper --seed 1 --without cat"
    )


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
    t = torch.tensor([0, 1, 2])
    assert loss_weights(t, signal, 5.0).tolist() == pytest.approx([5 / 99, 5 / 9, 1.0], rel=1e-4)
    assert loss_weights(t, signal, None).tolist() == [1.0, 1.0, 1.0]


def test_average_follows_fast_at_first_and_slowly_at_last() -> None:
    found = [ema_decay(steps, 0.9995) for steps in (1, 890, 1_000_000)]
    assert found == pytest.approx([2 / 11, 0.99, 0.9995])


def test_pixels_are_scaled_to_one_around_zero() -> None:
    found = to_pixels(np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1))
    assert found.shape == (1, 1, 1, 3)
    assert found.flatten().tolist() == pytest.approx([-1.0, -0.6, 1.0])


def test_seconds_are_counted_by_the_clock_of_the_device() -> None:
    progress = Progress()
    progress.spend(5.0, 3.0)
    on_gpu = replace(progress, device="cuda")
    on_gpu.spend(2.0, 1.5)
    assert (on_gpu.cpu_seconds, on_gpu.gpu_seconds) == (3.0, 2.0)


@pytest.mark.parametrize(
    ("network", "architecture", "least", "most"),
    [
        (UNet2DModel, RECIPES["fashion-mnist", "small"].architecture, 1_500_000, 3_000_000),
        (UNet2DModel, RECIPES["cifar10", "small"].architecture, 3_000_000, 4_900_000),
        (UNet2DModel, RECIPES["cifar10", "paper"].architecture, 30_000_000, 45_000_000),
        (DiTTransformer2DModel, latents.RECIPES["emoji-dit"].architecture, 0, (LARGEST_FILE - 100_000) // 2),
        (UNet2DConditionModel, latents.RECIPES["emoji-sd"].architecture, 0, (LARGEST_FILE - 100_000) // 2),
    ],
)
def test_sizes_of_the_networks(network: Any, architecture: dict[str, Any], least: int, most: int) -> None:
    with torch.device("meta"):
        assert least < sum(p.numel() for p in network(**architecture).parameters()) < most
