"""The list of concepts, and the prompts of a run as labels, on a list whose plan can be written down."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sfr_core.data.concepts import Concept, Concepts, plan_prompts, read_concepts
from sfr_core.data.splits import ForgetSpec, parse_forget
from sfr_core.errors import AssetError, SpecError, UnknownName

LIST: dict[str, Any] = {
    "neutral": ["an emoji", "a picture"],
    "concepts": [
        {"name": "cat", "kind": "object", "shows": ["cat"], "direct": ["cat", "a cat"], "paraphrases": ["kitty"], "neighbours": ["dog"]},
        {"name": "dog", "kind": "object", "shows": ["dog"], "direct": ["dog", "a dog"]},
        {"name": "pets", "kind": "category", "shows": ["cat", "dog"], "direct": ["a pet"], "redirect": "a picture"},
        {"name": "car", "kind": "object", "shows": ["car"], "direct": ["car"], "offered": False},
    ],
}  # fmt: skip


def spec(concept: str) -> ForgetSpec:
    return ForgetSpec(text=f"concept:{concept}", concept=concept)


def written(folder: Path, **changes: Any) -> Path:
    (folder / "concepts.json").write_text(json.dumps({**LIST, **changes}))
    return folder


def test_a_plan_by_hand(tmp_path: Path) -> None:
    plan = plan_prompts(read_concepts(written(tmp_path)), spec("cat"))
    # "pets" has a class in common with the cat: neither a neighbour, nor distant, nor trained on.
    assert [(p.text, p.role, p.shows) for p in plan.prompts] == [
        ("cat", "direct", ("cat",)), ("a cat", "direct", ("cat",)), ("kitty", "paraphrase", ("cat",)),
        ("dog", "neighbour", ("dog",)), ("car", "other", ("car",)),
    ]  # fmt: skip
    assert plan.names == ("cat", "a cat", "kitty", "dog", "car")
    assert plan.spec == ForgetSpec(text="concept:cat", concept="cat", classes=(0, 1, 2))
    assert plan.redirect == "an emoji"
    assert plan.kept == ("a picture", "dog", "a dog", "car")
    assert plan.texts == ("cat", "a cat", "kitty", "dog", "car", "", "an emoji", "a picture", "dog", "a dog", "car")
    assert (plan.null, plan.anchor) == (5, 6)


def test_the_model_draws_direct_prompts_the_redirection_and_all_that_is_kept() -> None:
    concepts = Concepts(("x",), (Concept(name="a", kind="object", shows=("a",), direct=("a1", "a2"), paraphrases=("a3",)),
                                 Concept(name="b", kind="style", shows=("b",), direct=("b1",))))  # fmt: skip
    plan = replace(plan_prompts(concepts, spec("a"), "nothing"), free_forget=5, free_remain=12)
    # Labels: a1 a2 a3 b1, null 4, anchor 5, then x and b1. Of 5 over two prompts the first gets one more, a sixth of 12 shows the anchor.
    assert plan.generated_labels.tolist() == [0, 0, 0, 1, 1, 5, 5, *[6] * 5, *[7] * 5]
    assert plan.split.forget.tolist() == [0, 1, 2, 3, 4]
    assert plan.split.remain.tolist() == list(range(5, 17))


def test_of_more_prompts_than_pictures_some_are_drawn() -> None:
    many = tuple(Concept(name=f"c{i}", kind="object", shows=(f"c{i}",), direct=(f"c{i}",)) for i in range(9))
    plan = replace(plan_prompts(Concepts(("x",), many), spec("c0")), free_forget=1, free_remain=5)
    # Label 0, 8 others, null 9, anchor 10, then c1 to c8 from 11: four of them, every second.
    assert plan.generated_labels.tolist() == [0, 10, 11, 13, 15, 17]


def test_a_category_forgets_with_its_own_redirection(tmp_path: Path) -> None:
    plan = plan_prompts(read_concepts(written(tmp_path)), spec("PETS"))
    assert (plan.spec.text, plan.redirect) == ("concept:pets", "a picture")
    assert [p.text for p in plan.prompts] == ["a pet", "car"]
    assert plan_prompts(read_concepts(tmp_path), spec("pets"), "  a   tree ").redirect == "a tree"


def test_only_what_is_offered_can_be_forgotten(tmp_path: Path) -> None:
    concepts = read_concepts(written(tmp_path))
    assert concepts.offered == ("cat", "dog", "pets")
    for name in ("car", "cet"):
        with pytest.raises(UnknownName, match=r"Did you mean 'cat'") as caught:
            plan_prompts(concepts, spec(name))
        assert "pets" in caught.value.hint


def test_a_model_without_a_list_takes_any_text_but_needs_a_redirection(tmp_path: Path) -> None:
    concepts = read_concepts(tmp_path)
    assert concepts.offered == ()
    with pytest.raises(SpecError, match="no prompt to redirect to"):
        plan_prompts(concepts, spec("Van Gogh"))
    plan = plan_prompts(concepts, spec("Van Gogh"), "a photo")
    assert [p.text for p in plan.prompts if p.role == "direct"] == [
        "Van Gogh",
        "a picture of Van Gogh",
        "a photo of Van Gogh",
    ]
    assert [p.text for p in plan.prompts if p.role == "other"] == [t for t in concepts.neutral if t != "a photo"]
    assert "a photo" not in plan.kept


def test_the_concept_itself_is_no_redirection(tmp_path: Path) -> None:
    for text in ("a cat", "Kitty", " CAT "):
        with pytest.raises(SpecError, match="asks for the very concept"):
            plan_prompts(read_concepts(written(tmp_path)), spec("cat"), text)


def test_of_many_distant_concepts_every_kth_is_asked() -> None:
    many = tuple(Concept(name=f"c{i}", kind="object", shows=(f"c{i}",), direct=(f"c{i}",)) for i in range(37))
    plan = plan_prompts(Concepts(("x",), many), spec("c0"))
    asked = [p.name for p in plan.prompts if p.role == "other"]
    assert asked == [f"c{1 + i * 36 // 12}" for i in range(12)]
    assert set(plan.kept) == {"c" + str(i) for i in range(1, 37)}  # but all are trained on


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", '{"neutral": [], "concepts": [{"name": "cat"}]}',
        '{"neutral": [], "concepts": [{"name": "cat", "kind": "sound", "shows": [], "direct": ["cat"]}]}',
        '{"neutral": [], "concepts": [{"name": "cat", "kind": "object", "shows": [], "direct": []}]}',
        '{"neutral": [], "concepts": [{"name": "cat", "kind": "object", "shows": [], "direct": ["cat"], "colour": 1}]}',
    ],
)  # fmt: skip
def test_a_damaged_list_is_one_clear_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "concepts.json").write_text(text)
    with pytest.raises(AssetError, match=r"concepts\.json cannot be read"):
        read_concepts(tmp_path)


def test_an_unexplained_neighbour_is_named(tmp_path: Path) -> None:
    cat = {"name": "cat", "kind": "object", "shows": ["cat"], "direct": ["cat"], "neighbours": ["lynx"]}
    with pytest.raises(AssetError, match="'lynx'"):
        read_concepts(written(tmp_path, concepts=[cat]))


def test_the_specification_takes_the_spelling_of_the_list() -> None:
    assert parse_forget("concept: CAT ", ("cat", "dog")) == spec("cat")
    assert parse_forget("concept:a  lynx", ("cat",)).text == "concept:a lynx"
    for bad in ("concept:", "concept:  ", "concept:" + "x" * 101):
        with pytest.raises(SpecError):
            parse_forget(bad, ())


def test_free_labels_are_labels(tmp_path: Path) -> None:
    plan = plan_prompts(read_concepts(written(tmp_path)), spec("cat"))
    assert plan.generated_labels.max() < len(plan.texts)
    assert plan.null not in plan.generated_labels
    assert not np.isin(plan.labels("paraphrase"), plan.generated_labels).any()


def test_a_public_page_leaves_out_what_is_for_adults_and_takes_no_text_without_a_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    adult = {"name": "x", "kind": "object", "shows": [], "direct": ["an x"], "adult": True}
    found = read_concepts(written(tmp_path, concepts=[*LIST["concepts"], adult]))
    assert found.offered == ("cat", "dog", "pets")
    with pytest.raises(UnknownName):
        plan_prompts(found, spec("x"))
    assert plan_prompts(found, spec("cat"), "a tree").redirect == "a tree"  # this list never took free concepts
    for concepts in (read_concepts(tmp_path / "none"), read_concepts(written(tmp_path, concepts=[adult], open=True))):
        with pytest.raises(UnknownName):
            plan_prompts(concepts, spec("anything"), "a tree")


def styled(**changes: Any) -> list[dict[str, Any]]:
    """A style whose prompts are each answered like the same thing in the other one."""
    style: dict[str, Any] = {
        "name": "red", "kind": "style", "shows": ["red"], "direct": ["a red cat", "a red car", "red"], "paraphrases": ["crimson"],
        "redirect": "blue", "redirects": ["a blue cat", "a blue car", "blue"], "others": ["car"],
    }  # fmt: skip
    return [{**style, **changes}, LIST["concepts"][3]]


def test_every_prompt_of_a_style_has_its_own_redirection(tmp_path: Path) -> None:
    concepts = read_concepts(written(tmp_path, concepts=styled()))
    plan = replace(plan_prompts(concepts, spec("red")), free_forget=3, free_remain=24)
    assert plan.texts[4:] == ("car", "", "blue", "a blue cat", "a blue car", "blue", "an emoji", "a picture", "car")
    assert plan.targets.tolist() == [7, 8, 9]
    # A sixth of 24 shows the redirections, the rest all that is kept, the redirections among them.
    assert plan.generated_labels.tolist() == [
        0,
        1,
        2,
        7,
        7,
        8,
        9,
        *[k for k in range(7, 13) for _ in range(4 if k in (7, 10) else 3)],
    ]
    # A prompt of the visitor's own answers all of them.
    asked = plan_prompts(concepts, spec("red"), "a tree")
    assert (asked.redirects, asked.targets.tolist()) == ((), [asked.anchor] * 3)


@pytest.mark.parametrize(
    ("redirects", "why"),
    [(["a blue cat"], "3 direct prompts and 1 redirects"), (["x", "y", "crimson"], "redirected to itself")],
)
def test_redirections_that_do_not_fit_their_prompts_are_refused(tmp_path: Path, redirects: list[str], why: str) -> None:
    with pytest.raises(AssetError, match=why):
        read_concepts(written(tmp_path, concepts=styled(redirects=redirects)))
