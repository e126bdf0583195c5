"""Forget specifications: what each form selects, one spelling for one meaning, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sfr_core.data.splits import Split, count_copies, parse_forget, split_rows
from sfr_core.errors import InputError, SpecError, UnknownName

NAMES = ("T-shirt", "Sneaker", "Ankle boot")
LABELS = np.array([0, 1, 2, 1, 0, 2, 2, 1, 0, 0])


@pytest.mark.parametrize(
    ("text", "canonical", "forget"),
    [
        ("class:Sneaker", "class:Sneaker", [1, 3, 7]),
        ("class:sneaker", "class:Sneaker", [1, 3, 7]),
        ("  class: SNEAKER ", "class:Sneaker", [1, 3, 7]),
        ("class:ankle boot", "class:Ankle boot", [2, 5, 6]),
        ("class:Ankle boot, T-shirt", "class:T-shirt,Ankle boot", [0, 2, 4, 5, 6, 8, 9]),
        ("class:Sneaker,Sneaker", "class:Sneaker", [1, 3, 7]),
        ("samples:3,17", "samples:3,17", None),
        ("samples:5,3,5", "samples:3,5", [3, 5]),
        ("samples: 0 , 9", "samples:0,9", [0, 9]),
    ],
)
def test_selection_and_canonical_spelling(text: str, canonical: str, forget: list[int] | None) -> None:
    spec = parse_forget(text, NAMES)
    assert spec.text == canonical
    assert parse_forget(spec.text, NAMES) == spec
    if forget is not None:
        assert split_rows(spec, LABELS).forget.tolist() == forget


@pytest.mark.parametrize("n", [6, 10, 97, 1000])
@pytest.mark.parametrize(
    "text", ["class:Sneaker", "class:T-shirt,Ankle boot", "samples:0", "samples:1,0", "random:0.5", "random:0.9@7"]
)
def test_both_sets_together_are_every_row_once(text: str, n: int) -> None:
    labels = np.arange(n) % 3
    spec = parse_forget(text, NAMES)
    split = split_rows(spec, labels)
    assert split.forget.dtype == split.remain.dtype == np.int64
    assert sorted([*split.forget, *split.remain]) == list(range(n))
    assert list(split.forget) == sorted(split.forget)
    assert list(split.remain) == sorted(split.remain)


@pytest.mark.parametrize(
    ("share", "n", "rows"), [(0.1, 10_000, 1000), (0.1, 14, 1), (0.25, 10, 2), (0.35, 10, 4), (0.999, 10, None)]
)
def test_a_share_is_rounded_to_rows(share: float, n: int, rows: int | None) -> None:
    spec = parse_forget(f"random:{share}", NAMES)
    if rows is None:
        with pytest.raises(SpecError, match="empty"):
            split_rows(spec, np.zeros(n, np.int64))
    else:
        assert len(split_rows(spec, np.zeros(n, np.int64)).forget) == rows


def test_the_seed_decides_which_rows() -> None:
    labels = np.zeros(100, np.int64)
    first, again, other = (
        split_rows(parse_forget(t, NAMES), labels).forget for t in ("random:0.2", "random:0.2@0", "random:0.2@1")
    )
    assert first.tolist() == again.tolist() != other.tolist()
    # Drawn as documented: the first round(share * n) of PCG64's permutation.
    assert sorted(np.random.default_rng(1).permutation(100)[:20]) == other.tolist()


@pytest.mark.parametrize("share", ["0.1", "0.10", "1e-1", ".1", " 0.1 "])
def test_one_spelling_of_a_share(share: str) -> None:
    assert parse_forget(f"random:{share}", NAMES).text == "random:0.1@0"


@pytest.mark.parametrize("share", [0.123456789, 0.1000049, 1 / 3, 0.00012345678])
def test_the_canonical_share_selects_the_same_rows(share: float) -> None:
    spec = parse_forget(f"random:{share!r}", NAMES)
    assert parse_forget(spec.text, NAMES).share == share


@pytest.mark.parametrize(
    "text",
    [
        "", "Sneaker", "class", "class:", "class: ", "color:red", ":x", "random:", "random:x", "random:0", "random:1", "random:1.5",
        "random:-0.1", "random:nan", "random:inf", "random:0.1@", "random:0.1@x", "random:0.1@-1", "random:0.1@1.5",
        f"random:0.1@{2**31}", "random:0.1@" + "9" * 5000, "samples:", "samples:x", "samples:1.5", "samples:1,,2",
        "samples:" + "9" * 5000, "class:T-shirt,Sneaker,Ankle boot",
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_forget(text, NAMES)
    assert caught.value.hint


@pytest.mark.parametrize("text", ["class:Sneakr", "class:snekaer", "class:T-shirt,Snaeker"])
def test_an_unknown_class_is_answered_with_the_nearest(text: str) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'Sneaker'"):
        parse_forget(text, NAMES)


@pytest.mark.parametrize("row", [-1, 10, 10**30])
def test_a_row_outside_the_training_set_is_refused(row: int) -> None:
    with pytest.raises(SpecError, match="does not exist") as caught:
        split_rows(parse_forget(f"samples:0,{row}", NAMES), LABELS)
    assert "0 to 9" in caught.value.hint


@pytest.mark.parametrize("text", ["samples:" + ",".join(map(str, range(10))), "random:0.01", "random:0.99"])
def test_nothing_or_everything_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="empty"):
        split_rows(parse_forget(text, NAMES), LABELS)


def test_a_class_without_pictures_is_refused() -> None:
    with pytest.raises(SpecError, match="no pictures of what is to be forgotten"):
        split_rows(parse_forget("class:Sneaker", NAMES), np.array([0, 2, 0]))


@pytest.mark.parametrize("content", ["3,5", "5 3\n", "3\n5\n3\n", "3, 5"])
def test_a_file_of_rows_is_read_for_the_command_line(tmp_path: Path, content: str) -> None:
    (tmp_path / "rows.txt").write_text(content)
    spec = parse_forget(f"samples:@{tmp_path}/rows.txt", NAMES, files=True)
    assert (spec.text, spec.rows) == ("samples:3,5", (3, 5))


def test_a_bad_file_of_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.bin").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "words.txt").write_text("three")
    (tmp_path / "empty.txt").write_text(" \n")
    for name in ("bad.bin", "words.txt", "empty.txt", "none.txt", "", "nul\0"):
        with pytest.raises(SpecError):
            parse_forget(f"samples:@{tmp_path}/{name}", NAMES, files=True)


@pytest.mark.parametrize("blank", ["", " ", "\t", "\n", "\u00a0", "\v"])
def test_a_visitor_can_make_the_server_read_no_file(tmp_path: Path, blank: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("1,2")
    for text in (f"{blank}samples:@{secret}", f"samples:{blank}@{secret}", f"samples:@{blank}{secret}"):
        with pytest.raises(InputError) as caught:
            parse_forget(text, NAMES)
        assert "1,2" not in str(caught.value)


def test_class_names_are_compared_in_one_normal_form() -> None:
    assert parse_forget("class:A\u0308pfel", ("\u00c4pfel", "x")).text == "class:\u00c4pfel"


def test_exact_copies_of_forgotten_pictures_in_the_remain_set_are_counted() -> None:
    images = np.zeros((7, 2, 2, 1), np.uint8)
    images[:, 0, 0, 0] = [1, 1, 2, 3, 1, 3, 4]
    images[4, 1, 1, 0] = 9  # nearly row 0
    spec = parse_forget("samples:0,3", NAMES)
    # Row 1 is a copy of row 0, row 5 one of row 3.
    assert count_copies(images, split_rows(spec, np.zeros(7, np.int64))) == 2
    none = Split(spec, np.array([2]), np.array([0, 1, 3, 4, 5, 6]))
    assert count_copies(images, none) == 0
