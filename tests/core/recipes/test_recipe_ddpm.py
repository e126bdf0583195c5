"""Training steps of the diffusion recipe: resuming, label dropout, the last phase, the saved folder, the published card."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, UNet2DModel
from PIL import Image

from recipes.ddpm import batches, command_of, folder_of, last_phase
from recipes.ddpm_folder import (
    CARD,
    DRAFT,
    QUALITY,
    WEIGHTS,
    Progress,
    build_unet,
    card_of,
    commands,
    load_folder,
    publish,
    publish_gold,
)
from recipes.ddpm_sets import NULL, RECIPES
from recipes.ddpm_training import (
    Training,
    draw,
    ema_decay,
    loss_weights,
    progress_of,
    resume,
    rows_at,
    to_pixels,
)
from recipes.image_sets import CIFAR10
from sfr_core.data.datasets import ASSETS, CIFAR_CLASSES
from sfr_core.errors import AssetError
from sfr_core.results import GeneratorRecord
from tests.core.recipes.ddpm_examples import some_pictures, tiny_recipe

NOWHERE = Path("nowhere")
TINY = tiny_recipe()
RECORD = GeneratorRecord(
    FA=1.0, FA_softmax=2.0, accepted_any=3.0, JA_remain=4.0, FD_remain=5.0, judge_entropy=0.5, diversity=0.9,
    n_samples=100, n_remain=99, sampler_steps=20, guidance=2.0,
)  # fmt: skip


def weights(training: Training) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in training.model.state_dict().items()}


def quality(work: Path, digest: str, spec: str = "class:Bag") -> None:
    found = {
        "sha256": digest,
        "metrics": {"judge_accuracy": 97.0},
        "quality": {"per_class": 50},
        "records": {spec: {"100@20": asdict(RECORD)}},
    }
    (work / QUALITY).write_text(json.dumps(found))


def test_resumed_training_equals_one_in_a_go(tmp_path: Path) -> None:
    x, y = some_pictures()
    whole = resume(tmp_path / "a", NOWHERE, TINY, seed=5)
    for _ in range(4):
        whole.step(x, y, batch=8)
    half = resume(tmp_path / "b", NOWHERE, TINY, seed=5)
    before = weights(half)
    for _ in range(2):
        half.step(x, y, batch=8)
    half.save(tmp_path / "b")
    again = resume(tmp_path / "b", NOWHERE, TINY, seed=5)
    for _ in range(2):
        again.step(x, y, batch=8)
    assert again.progress == whole.progress
    assert (again.progress.images, again.progress.steps) == (32, 4)
    for name, tensor in weights(whole).items():
        assert torch.equal(tensor, again.model.state_dict()[name]), name
        assert torch.equal(whole.average[name], again.average[name]), name
    assert not torch.equal(before["conv_in.weight"], whole.model.conv_in.weight)
    assert not torch.equal(whole.average["conv_in.weight"], whole.model.conv_in.weight)


def test_training_lowers_the_loss_on_the_same_pictures() -> None:
    x, y = some_pictures(8)
    training = Training(build_unet(0, TINY.architecture), Progress(), TINY)
    losses = [training.step(x, y, batch=8) for _ in range(30)]
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_another_seed_is_refused(tmp_path: Path) -> None:
    resume(tmp_path, NOWHERE, TINY, seed=1).save(tmp_path)
    with pytest.raises(ValueError, match="has seed 1, not 2"):
        resume(tmp_path, NOWHERE, TINY, seed=2)


def test_last_phase_ends_at_rate_nought_and_leaves_the_training_it_came_from(tmp_path: Path) -> None:
    x, y = some_pictures()
    training = resume(tmp_path / "full", NOWHERE, TINY, seed=5)
    training.since_start = 1000  # past the warm-up
    training.step(x, y, batch=8)
    training.save(tmp_path / "full")
    kept = (tmp_path / "full" / "state.pt").read_bytes()

    def begin() -> Training:
        return last_phase(
            tmp_path / "full", tmp_path / "end", NOWHERE, TINY, 5, 32, without=None, compiled=False
        )  # fmt: skip

    whole = begin()
    rates = []
    for _ in batches(None, None, whole.progress, []):
        rates.append(whole.rate() / TINY.lr)
        whole.step(x, y, batch=8)
    assert rates == pytest.approx([1.0, 0.75, 0.5, 0.25])
    assert (whole.rate(), whole.progress.finished, whole.progress.images) == (0.0, 1.0, 40)

    half = begin()
    for _ in range(2):
        half.step(x, y, batch=8)
    half.save(tmp_path / "end")
    again = begin()
    assert again.progress.finished == 0.5
    for _ in range(2):
        again.step(x, y, batch=8)
    for name, tensor in whole.average.items():
        assert torch.equal(tensor, again.average[name]), name
    again.save(tmp_path / "end")
    assert begin().progress.finished == 0.0  # a finished one is begun anew from the training at full rate
    assert (tmp_path / "full" / "state.pt").read_bytes() == kept
    with pytest.raises(FileNotFoundError, match="no training to finish"):
        last_phase(tmp_path / "x", tmp_path / "y", NOWHERE, TINY, 5, 32, without=None, compiled=False)


def test_last_phase_averages_over_its_last_tenth() -> None:
    x, y = some_pictures()
    training = Training(build_unet(0, TINY.architecture), Progress(steps=100_000), TINY)
    training.begin_finish(320)
    before = training.average["conv_in.weight"].clone()
    training.step(x, y, batch=8)  # 40 steps in the phase, so it averages over 4
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


def test_saved_folder_opens_with_diffusers(tmp_path: Path) -> None:
    training = Training(build_unet(0, TINY.architecture), Progress(), TINY)
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


def test_published_model_is_where_the_next_training_goes_on(tmp_path: Path) -> None:
    work, target = tmp_path / "work", tmp_path / "target"
    x, y = some_pictures()
    training = resume(work, target, TINY, seed=4)
    training.step(x, y, batch=8)
    digest = training.save(work)
    quality(work, digest)
    publish(work, target, progress_of(work), TINY, "make it", draft=True)
    assert not (target / CARD).exists()
    assert (target / DRAFT).exists()
    card = publish(work, target, progress_of(work), TINY, "make it", draft=False)
    assert not (target / DRAFT).exists()
    assert card == card_of(target)
    assert (card.sha256, card.metrics, card.training["images_seen"]) == (digest, {"judge_accuracy": 97.0}, 8)
    assert card.records == {"class:Bag": {"100@20": RECORD}}
    after = resume(tmp_path / "gone", target, TINY, seed=4)
    assert (after.progress.images, after.progress.steps, after.progress.restarts) == (8, 1, 1)
    assert after.since_start == 0
    for name, tensor in after.model.state_dict().items():
        assert torch.equal(tensor, training.average[name].half().float())


def test_retrained_model_is_published_beside_the_original(tmp_path: Path) -> None:
    work, twin, target = tmp_path / "work", tmp_path / "twin", tmp_path / "target"
    x, y = some_pictures()
    with pytest.raises(FileNotFoundError, match="publish it first"):
        publish_gold(twin, target, Progress(), "Bag", "make it")
    resume(work, target, TINY, seed=4).save(work)
    publish(work, target, progress_of(work), TINY, "make it", draft=False)
    training = resume(twin, NOWHERE, TINY, seed=4)
    training.step(x, y, batch=8)
    training.progress.cpu_seconds = 77.0
    digest = training.save(twin)
    quality(twin, digest)
    card = publish_gold(twin, target, progress_of(twin), "Bag", "make the twin")
    (gold,) = card.retrained
    assert (gold.spec, gold.file, gold.sha256) == ("class:Bag", "retrained/class-Bag.safetensors", digest)
    assert (gold.records, card.retrain_seconds, card.retrain_clock) == ({"100@20": RECORD}, 77, "cpu")
    again = publish(work, target, progress_of(work), TINY, "make it", draft=False)
    assert again.retrained == (gold,)
    assert again.retrain_seconds == 77
    after = resume(tmp_path / "gone", target, TINY, seed=4, without="Bag")
    assert (after.progress.images, after.progress.restarts) == (8, 1)
    stored = after.model.state_dict()["conv_in.weight"]
    assert torch.equal(stored, training.average["conv_in.weight"].half().float())


def test_quality_of_other_weights_is_not_published(tmp_path: Path) -> None:
    training = resume(tmp_path, NOWHERE, TINY, seed=0)
    training.save(tmp_path)
    quality(tmp_path, "0" * 64)
    with pytest.raises(ValueError, match="other weights"):
        publish(tmp_path, tmp_path / "target", training.progress, TINY, "make it", draft=False)
    assert not (tmp_path / "target").exists()


def test_too_large_a_file_is_not_published(tmp_path: Path) -> None:
    training = resume(tmp_path, NOWHERE, TINY, seed=0)
    training.save(tmp_path)
    (tmp_path / "model" / "large.bin").write_bytes(bytes(10_000_000))
    with pytest.raises(ValueError, match=r"large\.bin has 10000000 bytes"):
        publish(tmp_path, tmp_path / "target", training.progress, TINY, "make it", draft=False)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("size", ["small", "paper"])
def test_a_step_on_coloured_pictures(size: str, tmp_path: Path) -> None:
    recipe = tiny_recipe("cifar10", size)
    x, y = some_pictures(12, channels=3, side=32)
    training = resume(tmp_path, NOWHERE, recipe, seed=1)
    before = weights(training)
    assert np.isfinite(training.step(x, y, batch=4))
    assert not torch.equal(before["conv_out.weight"], training.model.conv_out.weight)
    training.save(tmp_path)
    assert load_folder(tmp_path / "model").config.in_channels == 3


def test_coloured_pictures_come_from_a_folder(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for number, name in enumerate(CIFAR_CLASSES):
            (tmp_path / part / name).mkdir(parents=True)
            Image.new("RGB", (32, 32), (20 * number, 0, 255)).save(tmp_path / part / name / "0.png")
    found = CIFAR10.read(tmp_path)
    assert found.images.shape == (10, 32, 32, 3)
    assert found.images[np.argsort(found.labels), 0, 0, 0].tolist() == [20 * n for n in range(10)]
    recipe = RECIPES["cifar10", "paper"]
    assert 3 not in recipe.pictures(tmp_path, "cat").labels
    with pytest.raises(AssetError, match="no class 'Trouser'"):
        recipe.pictures(tmp_path, "Trouser")


def test_names_of_folders_and_commands() -> None:
    fashion, paper = RECIPES["fashion-mnist", "small"], RECIPES["cifar10", "paper"]
    assert folder_of(fashion, None, False).name == "ddpm"
    assert folder_of(fashion, "Ankle boot", True).name == "ddpm-without-Ankle-boot-finished"
    assert folder_of(paper, None, False).name == "cifar10-ddpm-paper"
    assert command_of("cifar10", "small", 0, None, folder=True).endswith(
        "--data cifar10 --size small --seed 0 --folder DIR"
    )
    assert command_of("fashion-mnist", "small", 0, None) == "python -m recipes.ddpm --seed 0"
    assert command_of("cifar10", "paper", 1, "cat") == (
        "python -m recipes.ddpm --data cifar10 --size paper --seed 1 --without cat"
    )


def test_a_card_names_the_commands_that_make_its_weights() -> None:
    assert commands("train", Progress(images=128)) == "train --images 128"
    whole = Progress(images=384_000, finish_from=320_000, finish_images=64_000)
    assert commands("train", whole) == "train --images 320000 && train --finish 64000"
    half = Progress(images=352_000, finish_from=320_000, finish_images=64_000)
    assert commands("train", half) == "train --images 320000 && train --finish 64000 --images 352000"


def test_the_shipped_card_names_the_commands_that_made_it() -> None:
    card = card_of(ASSETS / "models" / "fashion-mnist-ddpm")
    assert card is not None
    begin = "python -m recipes.ddpm --seed 0"
    assert card.recipe == f"{begin} --images 320000 && {begin} --finish 64000"
    assert card.training["images_seen"] == 320_000 + card.training["last_phase_images"]
    (gold,) = card.retrained
    without = f"{begin} --without Trouser"
    assert gold.training["recipe"] == f"{without} --images 320000 && {without} --finish 64000"
    assert gold.training["images_seen"] == card.training["images_seen"]


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
    assert ema_decay(1, 0.9995) == pytest.approx(2 / 11)
    assert ema_decay(890, 0.9995) == pytest.approx(0.99)
    assert ema_decay(1_000_000, 0.9995) == 0.9995


def test_pixels_are_scaled_to_one_around_zero() -> None:
    found = to_pixels(np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1))
    assert found.shape == (1, 1, 1, 3)
    assert found.flatten().tolist() == pytest.approx([-1.0, -0.6, 1.0])


def test_left_out_class_is_not_among_the_pictures() -> None:
    data = RECIPES["fashion-mnist", "small"].pictures(ASSETS / "fashion_mnist", "Trouser")
    assert len(data) == 9000
    assert sorted(set(data.labels.tolist())) == [0, 2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("data", "size", "least", "most"),
    [
        ("fashion-mnist", "small", 1_500_000, 3_000_000),
        ("cifar10", "small", 3_000_000, 4_900_000),
        ("cifar10", "paper", 30_000_000, 45_000_000),
    ],
)
def test_sizes_of_the_networks(data: str, size: str, least: int, most: int) -> None:
    with torch.device("meta"):
        model = UNet2DModel(**RECIPES[data, size].architecture)
    assert least < sum(p.numel() for p in model.parameters()) < most
