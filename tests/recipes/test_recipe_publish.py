"""A generator is published with its card, opens with diffusers, and is where the next training goes on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler, DiTPipeline, StableDiffusionPipeline, UNet2DModel

from recipes.ddpm.training import NULL, load_folder
from recipes.latents.selection import select
from recipes.learner import Progress
from recipes.publish import (
    CARD,
    DRAFT,
    LARGEST_FILE,
    WEIGHTS,
    cards_of,
    commands,
    publish,
    write_quality,
)
from sfr_core.data.datasets import ASSETS
from sfr_core.nets.pipelines import open_pipeline
from sfr_core.results import GeneratorRecord
from sfr_core.zoo.cards import read_card, write_card
from tests.recipes.generators import EVERY, EXAMPLES, FOUND, LATENTS, Example

DDPM, TEXT = EXAMPLES["ddpm"], EXAMPLES["emoji-sd"]
RECORD = GeneratorRecord(
    FA=1.0, FA_softmax=2.0, accepted_any=3.0, JA_remain=4.0, FD_remain=5.0, judge_entropy=0.5, diversity=0.9,
    n_samples=100, n_remain=99, sampler_steps=20, guidance=2.0,
)  # fmt: skip


def halves(training: Any) -> dict[str, torch.Tensor]:
    """What is published of a training, as the next one has it."""
    return {name: tensor.half().float() for name, tensor in training.average.items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(tensor, b[name]) for name, tensor in a.items())


@EVERY
def test_published_model_is_where_the_next_training_goes_on(example: Example, tmp_path: Path) -> None:
    work, target, recipe = tmp_path / "work", tmp_path / example.recipe.id, example.recipe
    training = example.training(steps=1)
    digest = training.save(work)
    write_quality(work, digest, {"judge_accuracy": 97.0}, {"per_class": 50})
    publish(work, target, training.progress, recipe, draft=True)
    assert not (target / CARD).exists()
    assert (target / DRAFT).exists()
    card = publish(work, target, training.progress, recipe, draft=False)
    assert not (target / DRAFT).exists()
    assert [card] == cards_of(target)
    assert (card.kind, card.sha256, card.metrics) == (recipe.kind, digest, {"judge_accuracy": 97.0})
    assert (card.training["images_seen"], card.training["quality"]) == (recipe.batch, {"per_class": 50})
    write_card(replace(card, records={"class:Bag": {"100@20": RECORD}}))
    again = publish(work, target, training.progress, recipe, draft=False)
    assert again.records == {"class:Bag": {"100@20": RECORD}}  # measured on these weights
    after = example.training(tmp_path / "gone", target)
    assert (after.progress.images, after.progress.steps, after.progress.restarts) == (recipe.batch, 1, 1)
    assert after.since_start == 0
    assert same(after.weights.state_dict(), halves(training))


def test_saved_folder_opens_with_diffusers(tmp_path: Path) -> None:
    training = DDPM.trained(tmp_path, steps=0)
    folder = tmp_path / "model"
    model = UNet2DModel.from_pretrained(folder, local_files_only=True)
    scheduler = DDIMScheduler.from_pretrained(folder)
    assert model.config.num_class_embeds == NULL + 1
    assert (scheduler.config.beta_schedule, scheduler.config.timestep_spacing) == ("linear", "trailing")
    stored = load_folder(folder).state_dict()
    assert same(stored, halves(training))
    assert stored["conv_in.weight"].dtype == torch.float32
    assert sum(2 * t.numel() for t in stored.values()) <= (folder / WEIGHTS).stat().st_size < 10_000_000
    assert model(torch.zeros(2, 1, 28, 28), 5, torch.tensor([0, NULL])).sample.shape == (2, 1, 28, 28)


@pytest.mark.parametrize("name", ["emoji-dit", "emoji-sd"])
def test_published_pipeline_opens_by_the_path_of_the_hub(name: str, tmp_path: Path) -> None:
    example = EXAMPLES[name]
    training = example.trained(tmp_path / "work")
    card = publish(tmp_path / "work", tmp_path / name, training.progress, example.recipe, draft=True)
    kind = StableDiffusionPipeline if example.recipe.text else DiTPipeline
    stock = kind.from_pretrained(tmp_path / name, torch_dtype=torch.float32, local_files_only=True)
    stock.set_progress_bar_config(disable=True)
    asked = ["a cat", "a heart"] if example.recipe.text else stock.get_label_ids(["flags", "mammals"])
    images = stock(asked, num_inference_steps=2, guidance_scale=3.0, output_type="np").images
    assert images.shape == (2, 64, 64, 3)
    assert np.isfinite(images).all()
    checked = open_pipeline(tmp_path / name, card.kind, card.weight_files)
    assert checked.vae.config.scaling_factor == pytest.approx(LATENTS.scale)


def test_retrained_model_is_published_beside_the_original(tmp_path: Path) -> None:
    work, other, target, recipe = tmp_path / "work", tmp_path / "other", tmp_path / "target", DDPM.recipe
    with pytest.raises(FileNotFoundError, match="publish it first"):
        publish(other, target, Progress(), recipe, "Bag", draft=False)
    original = DDPM.trained(work, steps=0)
    publish(work, target, original.progress, recipe, draft=False)
    training = DDPM.training(steps=1)
    training.progress.cpu_seconds = 77.0
    digest = training.save(other)
    card = publish(other, target, training.progress, recipe, "Bag", draft=False)
    (retrained,) = card.retrained
    assert (retrained.spec, retrained.file) == ("class:Bag", "retrained/class-Bag.safetensors")
    assert (retrained.sha256, card.retrain_seconds, card.retrain_clock) == (digest, 77, "cpu")
    write_card(replace(card, retrained=(replace(retrained, records={"100@20": RECORD}),)))
    card = publish(other, target, training.progress, recipe, "Bag", draft=False)
    assert card.retrained[0].records == {"100@20": RECORD}
    again = publish(work, target, original.progress, recipe, draft=False)
    assert (again.retrained, again.retrain_seconds) == (card.retrained, 77)
    after = DDPM.training(tmp_path / "gone", target, without="Bag")
    assert (after.progress.images, after.progress.restarts) == (recipe.batch, 1)
    assert same(after.weights.state_dict(), halves(training))


def test_a_retrained_text_to_image_model_keeps_the_text_encoder(tmp_path: Path) -> None:
    target, recipe = tmp_path / "published", TEXT.recipe
    original = TEXT.trained(tmp_path / "original", seed=0)
    publish(tmp_path / "original", target, original.progress, recipe, draft=False)
    others = {}
    for name, kept in (("kept", target), ("learned", None)):
        other = TEXT.new(seed=0, folders=[target], keep_text=kept)
        other.progress.text_until = 0 if kept else None
        other.step(select(FOUND, recipe, "cat"))
        other.save(tmp_path / name)
        others[name] = other
    progress = others["kept"].progress
    publish(tmp_path / "kept", target, progress, recipe, "cat", draft=True)
    # No page offers a model that still learns, but its training goes on from it.
    assert read_card(target).retrained == ()
    further = TEXT.training(target=target, seed=0, without="cat")
    assert (further.progress.images, further.progress.restarts, further.progress.text_until) == (4, 1, 0)
    assert same(further.weights.state_dict(), halves(others["kept"]))
    card = publish(tmp_path / "kept", target, progress, recipe, "cat", draft=False)
    assert not (target / DRAFT).exists()
    (retrained,) = card.retrained
    assert (retrained.spec, retrained.file) == ("concept:cat", "retrained/concept-cat.safetensors")
    assert retrained.training["recipe"] == (
        "python -m recipes.latents emoji-sd --seed 0 --without cat --fresh --keep-text --images 4"
    )
    with pytest.raises(ValueError, match="--keep-text"):
        publish(tmp_path / "learned", target, others["learned"].progress, recipe, "cat", draft=False)


def refuse(tmp_path: Path, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        publish(tmp_path, tmp_path / "target", Progress(), DDPM.recipe, draft=False)
    assert not (tmp_path / "target").exists()


def test_what_does_not_belong_to_the_weights_or_is_too_large_is_not_published(tmp_path: Path) -> None:
    digest = DDPM.training().save(tmp_path)
    write_quality(tmp_path, "0" * 64, {}, {})
    refuse(tmp_path, "other weights")
    write_quality(tmp_path, digest, {}, {})
    (tmp_path / "model" / "large.bin").write_bytes(bytes(LARGEST_FILE))
    refuse(tmp_path, r"large\.bin has 10000000 bytes")


def test_a_card_names_the_commands_that_make_its_weights() -> None:
    assert commands("train", Progress(images=128)) == "train --images 128"
    whole = Progress(images=384_000, finish_from=320_000, finish_images=64_000)
    assert commands("train", whole) == "train --images 320000 && train --finish 64000"
    half = replace(whole, images=352_000)
    assert commands("train", half) == "train --images 320000 && train --finish 64000 --images 352000"


def test_the_shipped_card_names_the_commands_that_made_it() -> None:
    card = read_card(ASSETS / "models" / "fashion-mnist-ddpm")
    begin = "python -m recipes.ddpm --seed 0"
    assert card.recipe == f"{begin} --images 320000 && {begin} --finish 64000"
    assert card.training["images_seen"] == 320_000 + card.training["last_phase_images"]
    (retrained,) = card.retrained
    without = f"{begin} --without Trouser"
    assert retrained.training["recipe"] == f"{without} --images 320000 && {without} --finish 64000"
    assert retrained.training["images_seen"] == card.training["images_seen"]


@pytest.mark.parametrize(("gpu_seconds", "said"), [(0.0, (None, 3)), (2.0, (2, None))])
def test_a_gpu_tells_wall_time_and_no_time_of_a_retraining(gpu_seconds: float, said: Any, tmp_path: Path) -> None:
    DDPM.trained(tmp_path / "work", steps=0)
    progress = Progress(cpu_seconds=3.0, gpu_seconds=gpu_seconds)
    card = publish(tmp_path / "work", tmp_path / "target", progress, DDPM.recipe, draft=False)
    assert (card.wall_seconds, card.retrain_seconds) == said
