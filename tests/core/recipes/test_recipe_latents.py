"""The latent models' recipes: what they are shown, how they go on after a stop, and the pipelines that they leave."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DiTPipeline, StableDiffusionPipeline
from PIL import Image

from recipes.ddpm_folder import LARGEST_FILE, Progress, trained
from recipes.emoji_sets import CATEGORIES, CONCEPTS, fine_groups, sort
from recipes.latents import folder_of, new_training, resume
from recipes.latents_autoencoder import ARCHITECTURE, fidelity, latent_set
from recipes.latents_autoencoder import build as build_autoencoder
from recipes.latents_concepts import write_concepts
from recipes.latents_folder import whiten
from recipes.latents_publish import publish
from recipes.latents_quality import COLUMNS, save_sheet, sheet_rows
from recipes.latents_sets import NULL, RECIPES, captions_of, concept_repeats, repeats, say, select, tokenizer_of
from recipes.latents_training import TextTraining, token_table
from sfr_core.data.concepts import plan_prompts, read_concepts
from sfr_core.data.splits import ForgetSpec
from sfr_core.nets.pipelines import open_pipeline
from sfr_core.zoo.cards import SAMPLES, SHEET_ROWS, read_card
from tests.core.recipes.latent_examples import NOWHERE, some_emoji, tiny_latents, tiny_recipe

FOUND = some_emoji()
LATENTS = tiny_latents(FOUND)
BOTH = pytest.mark.parametrize("name", ["emoji-dit", "emoji-sd"])


def test_latents_have_deviation_one_and_the_autoencoder_knows_the_factor() -> None:
    assert LATENTS.pictures.shape == (12, 4, 16, 16)
    assert float(LATENTS.pictures.std()) == pytest.approx(1, abs=1e-4)
    assert LATENTS.autoencoder.config.scaling_factor == pytest.approx(LATENTS.scale)


def test_whitened_latents_have_unit_covariance_and_decode_to_the_same_pictures() -> None:
    model = build_autoencoder(3, ARCHITECTURE | {"block_out_channels": (8, 8, 8), "norm_num_groups": 4})
    images = torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def seen() -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            found = model.eval().encode(images).latent_dist
            return found.mean, model.decode(found.mean).sample

    before, pictures = seen()
    assert not torch.allclose(torch.cov(before.transpose(0, 1).flatten(1)), torch.eye(4), atol=0.1)
    whiten(model, images)
    after, same = seen()
    assert torch.allclose(torch.cov(after.transpose(0, 1).flatten(1)), torch.eye(4), atol=1e-3)
    assert after.mean((0, 2, 3)).abs().max() < 1e-3
    assert torch.allclose(same, pictures, atol=1e-4)


def test_emoji_are_sorted_into_at_most_one_category() -> None:
    assert [list(CATEGORIES)[c] for c in sort(FOUND.emoji, CATEGORIES)[:5]] == [
        "mammals",
        "mammals",
        "hearts",
        "flags",
        "clocks",
    ]
    assert sort(FOUND.emoji, CATEGORIES)[5] == -1
    with pytest.raises(ValueError, match="'cat' is in mammals and in twice"):
        sort(FOUND.emoji, {"mammals": CATEGORIES["mammals"], "twice": CONCEPTS["cat"][0]})


def test_captions_have_the_right_article() -> None:
    nouns = ("auto", "umbrella", "unicorn", "euro banknote", "one oclock", "cat")
    assert [say("a drawing of a {}", noun).split(" of ")[1].split()[0] for noun in nouns] == [
        "an",
        "an",
        "a",
        "a",
        "a",
        "a",
    ]


def test_concepts_and_the_rest_of_each_category_share_no_emoji() -> None:
    fine = sort(FOUND.emoji, fine_groups())
    assert [list(fine_groups())[c] for c in fine[:5]] == ["cat", "cat", "heart", "flag", "clock"]
    assert fine[5] == -1


def test_a_category_that_is_left_out_is_not_shown_but_keeps_its_number() -> None:
    recipe = tiny_recipe("emoji-dit")
    all_of_it, less = select(FOUND, recipe), select(FOUND, recipe, "flags")
    assert set(all_of_it.stream) == {0, 1, 2, 3, 4, 6, 7, 8, 9, 10}
    assert set(less.stream) == set(all_of_it.stream) - {3, 9}
    assert np.array_equal(less.labels, all_of_it.labels)
    with pytest.raises(ValueError, match="no category 'shirts'"):
        select(FOUND, recipe, "shirts")


def test_flags_come_once_in_an_epoch_and_hearts_three_times() -> None:
    stream = select(FOUND, tiny_recipe("emoji-dit")).stream
    assert (stream == 3).sum() == 1
    assert (stream == 2).sum() == 3
    assert repeats(FOUND.emoji[5], None, None) == 2


def test_captions_name_the_thing_the_style_and_what_it_shares() -> None:
    captions = captions_of(FOUND.emoji[1], "mammals", "cat", "google")
    for text in ("a cat face", "cat emoji", "a kitten in google style", "google cat", "pet emoji", "an emoji"):
        assert text in captions
    assert not any("twitter" in text for text in captions)


def test_paraphrases_are_never_trained_on_but_of_known_words(tmp_path: Path) -> None:
    recipe = tiny_recipe("emoji-sd")
    captions = {text for some in select(FOUND, recipe).captions for text in some}
    write_concepts(tmp_path)
    concepts = read_concepts(tmp_path)
    words = {word for text in captions for word in text.split()}
    assert set(concepts.neutral) <= captions
    for name in ("cat", "heart", "clock"):
        concept = concepts.find(name)
        assert set(concept.direct) <= captions
        assert not set(concept.paraphrases) & captions
        assert {word for text in concept.paraphrases for word in text.split()} <= words
    for name in concepts.offered:
        plan = plan_prompts(concepts, ForgetSpec(text=f"concept:{name}", concept=name))
        assert len(plan.labels("paraphrase")) >= 3
        assert len(plan.labels("other")) >= 5


def test_tokens_are_words_with_begin_and_end_and_the_empty_caption_is_first() -> None:
    captions = [["a cat", "a heart"], ["a cat"], []]
    tokenizer = tokenizer_of(frozenset({"a cat", "a heart"}), 700)
    table, by_row = token_table(captions, tokenizer)
    assert by_row == [[1, 2], [1], []]
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    assert table[0].tolist() == [begin] + [end] * 15
    assert table[1, 0] == begin
    assert table[1, 3:].tolist() == [end] * 13
    assert len(set(table[1, 1:3].tolist())) == 2


@BOTH
def test_resumed_training_equals_one_in_a_go(name: str, tmp_path: Path) -> None:
    recipe = tiny_recipe(name)
    selection = select(FOUND, recipe)
    whole = resume(tmp_path / "a", NOWHERE, recipe, FOUND, LATENTS, 5)
    before = {name: tensor.clone() for name, tensor in whole.weights.state_dict().items()}
    for _ in range(4):
        whole.step(selection)
    half = resume(tmp_path / "b", NOWHERE, recipe, FOUND, LATENTS, 5)
    for _ in range(2):
        half.step(selection)
    half.save(tmp_path / "b")
    again = resume(tmp_path / "b", NOWHERE, recipe, FOUND, LATENTS, 5)
    for _ in range(2):
        again.step(selection)
    assert again.progress == whole.progress
    assert (again.progress.images, again.progress.steps) == (16, 4)
    changed = 0
    for key, tensor in whole.weights.state_dict().items():
        assert torch.equal(tensor, again.weights.state_dict()[key]), key
        assert torch.equal(whole.average[key], again.average[key]), key
        changed += not torch.equal(tensor, before[key])
    assert changed > 20
    if isinstance(whole, TextTraining):
        assert not torch.equal(
            before["text_encoder.embeddings.token_embedding.weight"],
            whole.weights.state_dict()["text_encoder.embeddings.token_embedding.weight"],
        )


@BOTH
def test_published_model_opens_by_the_path_of_the_hub_and_training_goes_on_from_it(name: str, tmp_path: Path) -> None:
    recipe = tiny_recipe(name)
    training = new_training(recipe, FOUND, LATENTS, 3, False)
    training.step(select(FOUND, recipe))
    training.save(tmp_path / "work")
    card = publish(tmp_path / "work", tmp_path / name, training.progress, recipe, None, draft=True)
    assert (card.kind, card.training["images_seen"]) == ("text-to-image" if recipe.text else "dit", 4)
    assert not (tmp_path / name / "card.json").exists()
    kind = StableDiffusionPipeline if recipe.text else DiTPipeline
    stock = kind.from_pretrained(tmp_path / name, torch_dtype=torch.float32, local_files_only=True)
    stock.set_progress_bar_config(disable=True)
    asked = ["a cat", "a heart"] if recipe.text else stock.get_label_ids(["flags", "mammals"])
    images = stock(asked, num_inference_steps=2, guidance_scale=3.0, output_type="np").images
    assert images.shape == (2, 64, 64, 3)
    assert np.isfinite(images).all()
    checked = open_pipeline(tmp_path / name, card.kind, card.weight_files)
    assert checked.vae.config.scaling_factor == pytest.approx(LATENTS.scale)
    again = resume(tmp_path / "gone", tmp_path / name, recipe, FOUND, LATENTS, 3)
    assert (again.progress.images, again.progress.steps, again.progress.restarts) == (4, 1, 1)
    for key, tensor in again.weights.state_dict().items():
        assert torch.equal(tensor, training.average[key].half().float()), key


def test_labels_of_the_transformer_end_with_the_one_that_diffusers_has_built_in(tmp_path: Path) -> None:
    recipe = tiny_recipe("emoji-dit")
    training = new_training(recipe, FOUND, LATENTS, 0, False)
    training.save(tmp_path)
    index = json.loads((tmp_path / "model" / "model_index.json").read_text())
    assert index["id2label"] == {str(i): category for i, category in enumerate(CATEGORIES)}
    (table,) = {tuple(t.shape) for key, t in training.average.items() if key.endswith("embedding_table.weight")}
    assert table == (NULL + 1, 16)


@BOTH
def test_shipped_networks_fit_one_file(name: str) -> None:
    recipe = RECIPES[name]
    with torch.device("meta"):
        if recipe.text:
            from diffusers import UNet2DConditionModel

            network: torch.nn.Module = UNet2DConditionModel(**recipe.network)
        else:
            from diffusers import DiTTransformer2DModel

            network = DiTTransformer2DModel(**recipe.network)
    assert 2 * sum(p.numel() for p in network.parameters()) + 100_000 < LARGEST_FILE


def test_folders_say_what_is_different() -> None:
    recipe = RECIPES["emoji-dit"]
    assert folder_of(recipe, None, False).name == "emoji-dit"
    assert folder_of(recipe, "dishes and drinks", True).name == "emoji-dit-without-dishes-and-drinks-finished"


def test_the_sheet_names_its_rows_and_shows_what_can_be_forgotten(tmp_path: Path) -> None:
    rows = sheet_rows(tiny_recipe("emoji-sd"))
    write_concepts(tmp_path)
    listed = read_concepts(tmp_path)
    assert tuple(rows)[: len(listed.offered)] == listed.offered
    assert rows["cat"] == listed.find("cat").direct
    assert list(sheet_rows(tiny_recipe("emoji-dit"))) == list(CATEGORIES)
    save_sheet(np.zeros((2 * COLUMNS, 8, 8, 3), np.uint8), ["a", "b"], tmp_path / SAMPLES)
    with Image.open(tmp_path / SAMPLES) as image:
        assert (image.size, json.loads(image.info[SHEET_ROWS])) == ((8 * COLUMNS, 16), ["a", "b"])


def test_without_a_frozen_autoencoder_the_published_one_makes_the_latents(tmp_path: Path) -> None:
    model = build_autoencoder(3, ARCHITECTURE | {"block_out_channels": (8, 8, 8), "norm_num_groups": 4})
    model.save_pretrained(tmp_path / "published" / "vae")
    made = latent_set(FOUND, tmp_path / "work", [tmp_path / "none", tmp_path / "published" / "vae"])
    assert float(made.pictures.std()) == pytest.approx(1, abs=1e-3)
    again = latent_set(FOUND, tmp_path / "work", [])  # kept from now on
    assert torch.equal(made.pictures, again.pictures)
    with pytest.raises(FileNotFoundError, match="holds no autoencoder"):
        latent_set(FOUND, tmp_path / "other", [])


def test_fidelity_is_the_ratio_of_peak_and_error() -> None:
    class Off(AutoencoderKL):
        """Gives every picture back darker by 0.2 of 2: 20 log10(2 / 0.2) dB."""

        def encode(self, x: torch.Tensor) -> SimpleNamespace:
            return SimpleNamespace(latent_dist=SimpleNamespace(mean=x - 0.2))

        def decode(self, z: torch.Tensor) -> SimpleNamespace:
            return SimpleNamespace(sample=z)

    off = Off(block_out_channels=(8,), norm_num_groups=4, down_block_types=("DownEncoderBlock2D",))
    assert fidelity(off, torch.zeros(3, 3, 4, 4)) == pytest.approx(20, abs=1e-4)


def test_rare_concepts_are_shown_more_often_to_the_text_to_image_model() -> None:
    assert [concept_repeats(members) for members in (264, 45, 12, 4, 1)] == [1, 1, 4, 8, 8]
    stream = select(FOUND, tiny_recipe("emoji-sd")).stream
    assert {row: int((stream == row).sum()) for row in (0, 1, 2)} == {0: 8, 1: 8, 2: 8}


def test_a_vocabulary_is_learned_once(tmp_path: Path) -> None:
    recipe = tiny_recipe("emoji-sd")
    first = new_training(recipe, FOUND, LATENTS, 0, False)
    assert isinstance(first, TextTraining)
    first.step(select(FOUND, recipe))
    first.save(tmp_path)
    # Learned anew, words may get other numbers: it is the kept one that goes on, also where something is left out.
    table = json.loads((tmp_path / "model" / "tokenizer" / "tokenizer.json").read_text())
    words = table["model"]["vocab"]
    last = sorted(words, key=words.__getitem__)[-2:]
    words[last[0]], words[last[1]] = words[last[1]], words[last[0]]
    (tmp_path / "model" / "tokenizer" / "tokenizer.json").write_text(json.dumps(table))
    (tmp_path / "model" / "tokenizer" / "vocab.json").unlink(missing_ok=True)
    for work, published in ((tmp_path, NOWHERE), (NOWHERE, tmp_path / "model")):
        again = resume(work, published, recipe, FOUND, LATENTS, 0, without="cat", fresh=work is NOWHERE)
        assert isinstance(again, TextTraining)
        assert again.tokenizer.get_vocab() == words


def test_a_concept_can_be_left_out_of_the_text_to_image_model() -> None:
    recipe = tiny_recipe("emoji-sd")
    everything, less = select(FOUND, recipe), select(FOUND, recipe, "cat")
    assert set(everything.stream) - set(less.stream) == {0, 1, 6, 7}
    with pytest.raises(ValueError, match="no concept 'shirts'"):
        select(FOUND, recipe, "shirts")


def test_seconds_are_counted_by_the_clock_of_the_device() -> None:
    progress = Progress()
    progress.spend(5.0, 3.0)
    progress.device = "cuda"
    progress.spend(2.0, 1.5)
    assert (progress.cpu_seconds, progress.gpu_seconds) == (3.0, 2.0)
    assert trained(Progress(cpu_seconds=3.0), "make", ())["retrain_seconds"] == 3
    on_gpu = trained(progress, "make", ())
    assert (on_gpu["wall_seconds"], on_gpu["retrain_seconds"]) == (2, None)


def test_a_twin_of_the_text_to_image_model_keeps_the_text_encoder(tmp_path: Path) -> None:
    recipe = tiny_recipe("emoji-sd")
    original = new_training(recipe, FOUND, LATENTS, 0, False)
    original.step(select(FOUND, recipe))
    original.save(tmp_path / "original")
    published = tmp_path / "published"
    publish(tmp_path / "original", published, original.progress, recipe, None, draft=False)
    twins = {}
    for name, keep in (("kept", True), ("learned", False)):
        twin = resume(NOWHERE, published, recipe, FOUND, LATENTS, 0, without="cat", fresh=True, keep_text=keep)
        twin.step(select(FOUND, recipe, "cat"))
        twin.save(tmp_path / name)
        twins[name] = twin
    publish(tmp_path / "kept", published, twins["kept"].progress, recipe, "cat", draft=True)
    assert (
        read_card(published).retrained == ()
    )  # no page offers a twin that still learns, but its training goes on from it
    further = resume(NOWHERE, published, recipe, FOUND, LATENTS, 0, without="cat", keep_text=True)
    assert (further.progress.images, further.progress.restarts, further.progress.text_until) == (4, 1, 0)
    for name, weight in further.weights.state_dict().items():
        assert torch.equal(weight, twins["kept"].average[name].half().float()), name
    card = publish(tmp_path / "kept", published, twins["kept"].progress, recipe, "cat", draft=False)
    assert not (published / "card.draft.json").exists()
    (gold,) = card.retrained
    assert (gold.spec, gold.file) == ("concept:cat", "retrained/concept-cat.safetensors")
    assert gold.training["recipe"] == (
        "python -m recipes.latents emoji-sd --seed 0 --without cat --fresh --keep-text --images 4"
    )
    with pytest.raises(ValueError, match="--keep-text"):
        publish(tmp_path / "learned", published, twins["learned"].progress, recipe, "cat", draft=False)
    # The original goes on with its text encoder as it is.
    again = resume(NOWHERE, published, recipe, FOUND, LATENTS, 0, keep_text=True)
    assert isinstance(again, TextTraining)
    words = {name: weight.clone() for name, weight in again.model.text_encoder.state_dict().items()}
    again.step(select(FOUND, recipe))
    assert all(torch.equal(words[name], weight) for name, weight in again.model.text_encoder.state_dict().items())
    assert again.progress.text_until == 4
