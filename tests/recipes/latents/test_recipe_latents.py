"""The latent models' recipes: what they are shown, the words for it, and the autoencoder of their latents."""

import argparse
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image

from recipes import train
from recipes.emoji.groups import CATEGORIES, CONCEPTS, fine_groups, sort
from recipes.latents.autoencoder import build, fidelity, latent_set
from recipes.latents.captions import captions_of, say, tokenizer_of
from recipes.latents.concepts import write_concepts
from recipes.latents.quality import COLUMNS, save_sheet, sheet_rows
from recipes.latents.recipes import NULL, LatentRecipe, whiten
from recipes.latents.selection import concept_repeats, repeats, select
from recipes.latents.training import TextTraining, go_on, token_table
from recipes.publish import publish
from sfr_core.data.concepts import plan_prompts, read_concepts
from sfr_core.data.splits import ForgetSpec
from sfr_core.zoo.cards import SAMPLES, SHEET_ROWS
from tests.recipes.generators import EXAMPLES, FOUND, LATENTS, SMALL_AUTOENCODER

DIT, SD = EXAMPLES["emoji-dit"].recipe, EXAMPLES["emoji-sd"].recipe


def going_on(folder: Path, monkeypatch: pytest.MonkeyPatch, **asked: bool | str) -> TextTraining:
    """What the command would go on with, with .work and the published models in `folder`."""
    monkeypatch.setattr(train, "WORK", folder)
    monkeypatch.setattr(train, "ASSETS", folder)
    how = {"without": None, "fresh": False, "keep_text": False, **asked}
    training, _ = go_on(SD, FOUND, LATENTS, argparse.Namespace(seed=0, device="cpu", eager=True, finish=None, **how))
    assert isinstance(training, TextTraining)
    return training


def test_latents_have_deviation_one_and_the_autoencoder_knows_the_factor() -> None:
    assert LATENTS.pictures.shape == (12, 4, 16, 16)
    assert float(LATENTS.pictures.std()) == pytest.approx(1, abs=1e-4)
    assert LATENTS.autoencoder.config.scaling_factor == pytest.approx(LATENTS.scale)


def test_whitened_latents_have_unit_covariance_and_decode_to_the_same_pictures() -> None:
    model = build(3, SMALL_AUTOENCODER)
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


def test_emoji_are_sorted_into_at_most_one_category_and_at_most_one_fine_group() -> None:
    for groups, wanted in (
        (CATEGORIES, ["mammals", "mammals", "hearts", "flags", "clocks"]),
        (fine_groups(), ["cat", "cat", "heart", "flag", "clock"]),
    ):
        *found, shirt = sort(FOUND.emoji, groups)
        assert [list(groups)[c] for c in found] == wanted
        assert shirt == -1
    with pytest.raises(ValueError, match="'cat' is in mammals and in twice"):
        sort(FOUND.emoji, {"mammals": CATEGORIES["mammals"], "twice": CONCEPTS["cat"][0]})


def test_captions_have_the_right_article() -> None:
    articles = {"auto": "an", "umbrella": "an", "unicorn": "a", "euro banknote": "a", "one oclock": "a", "cat": "a"}
    for noun, article in articles.items():
        assert say("a drawing of a {}", noun) == f"a drawing of {article} {noun}"


@pytest.mark.parametrize(
    ("recipe", "shown", "without", "gone", "what"),
    [
        (DIT, {0, 1, 2, 3, 4, 6, 7, 8, 9, 10}, "flags", {3, 9}, "category"),
        (SD, {0, 1, 2, 3, 4, 6, 7, 8, 9, 10}, "cat", {0, 1, 6, 7}, "concept"),
    ],
)
def test_what_is_left_out_is_not_shown_but_keeps_its_number(
    recipe: LatentRecipe, shown: set[int], without: str, gone: set[int], what: str
) -> None:
    all_of_it, less = select(FOUND, recipe), select(FOUND, recipe, without)
    assert set(all_of_it.stream) == shown
    assert set(less.stream) == shown - gone
    assert np.array_equal(less.labels, all_of_it.labels)
    with pytest.raises(ValueError, match=f"no {what} 'shirts'"):
        select(FOUND, recipe, "shirts")


def test_how_often_an_epoch_shows_a_picture() -> None:
    dit, sd = ([int((select(FOUND, recipe).stream == row).sum()) for row in range(4)] for recipe in (DIT, SD))
    assert (dit[2], dit[3]) == (3, 1)  # flags once, hearts three times
    assert sd[:3] == [8, 8, 8]  # rare concepts more often
    assert repeats(None, None) == 2
    assert [concept_repeats(members) for members in (264, 45, 12, 4, 1)] == [1, 1, 4, 8, 8]


def test_captions_name_the_thing_the_style_and_what_it_shares() -> None:
    captions = captions_of(FOUND.emoji[1], "mammals", "cat", "google")
    for text in ("a cat face", "cat emoji", "a kitten in google style", "google cat", "pet emoji", "an emoji"):
        assert text in captions
    assert not any("twitter" in text for text in captions)


def test_paraphrases_are_never_trained_on_but_of_known_words(tmp_path: Path) -> None:
    captions = {text for some in select(FOUND, SD).captions for text in some}
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


def test_labels_of_the_transformer_end_with_the_one_that_diffusers_has_built_in(tmp_path: Path) -> None:
    training = EXAMPLES["emoji-dit"].trained(tmp_path, steps=0)
    index = json.loads((tmp_path / "model" / "model_index.json").read_text())
    assert index["id2label"] == {str(i): category for i, category in enumerate(CATEGORIES)}
    (table,) = {tuple(t.shape) for key, t in training.average.items() if key.endswith("embedding_table.weight")}
    assert table == (NULL + 1, 16)


def test_the_sheet_names_its_rows_and_shows_what_can_be_forgotten(tmp_path: Path) -> None:
    rows = sheet_rows(SD)
    write_concepts(tmp_path)
    listed = read_concepts(tmp_path)
    assert tuple(rows)[: len(listed.offered)] == listed.offered
    assert rows["cat"] == listed.find("cat").direct
    assert list(sheet_rows(DIT)) == list(CATEGORIES)
    save_sheet(np.zeros((2 * COLUMNS, 8, 8, 3), np.uint8), ["a", "b"], tmp_path / SAMPLES)
    with Image.open(tmp_path / SAMPLES) as image:
        assert (image.size, json.loads(image.info[SHEET_ROWS])) == ((8 * COLUMNS, 16), ["a", "b"])


def test_without_a_frozen_autoencoder_the_published_one_makes_the_latents(tmp_path: Path) -> None:
    model = build(3, SMALL_AUTOENCODER)
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


def test_a_vocabulary_is_learned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, published = tmp_path / "emoji-sd-without-cat", tmp_path / "models" / "emoji-sd"
    EXAMPLES["emoji-sd"].trained(work, seed=0)
    # Learned anew, words may get other numbers: it is the kept one that goes on, also where something is left out.
    file = work / "model" / "tokenizer" / "tokenizer.json"
    table = json.loads(file.read_text())
    words = table["model"]["vocab"]
    last = sorted(words, key=words.__getitem__)[-2:]
    words[last[0]], words[last[1]] = words[last[1]], words[last[0]]
    file.write_text(json.dumps(table))
    file.with_name("vocab.json").unlink(missing_ok=True)
    assert going_on(tmp_path, monkeypatch, without="cat").tokenizer.get_vocab() == words
    published.parent.mkdir()
    (work / "model").rename(published)
    (work / "state.pt").unlink()
    assert going_on(tmp_path, monkeypatch, without="cat", fresh=True).tokenizer.get_vocab() == words


def test_the_published_text_encoder_is_kept_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = EXAMPLES["emoji-sd"].trained(tmp_path / "work", seed=0)
    publish(tmp_path / "work", tmp_path / "models" / "emoji-sd", training.progress, SD, draft=False)
    again = going_on(tmp_path, monkeypatch, keep_text=True)
    words = {name: weight.clone() for name, weight in again.model.text_encoder.state_dict().items()}
    again.step(select(FOUND, SD))
    assert all(torch.equal(words[name], weight) for name, weight in again.model.text_encoder.state_dict().items())
    assert again.progress.text_until == 4
