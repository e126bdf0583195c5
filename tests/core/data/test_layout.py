"""Which file belongs to which class and part: the layouts in which people keep pictures, and those that are asked about."""

from __future__ import annotations

import unicodedata

import pytest

from sfr_core.data.layout import Layout, classes_of, find, role_of, same_name
from sfr_core.errors import AssetError


def found(*names: str) -> Layout:
    return find(names, lambda name: name.endswith(".png"))


def counts(layout: Layout) -> dict[str, dict[str, int]]:
    return {part: {name: len(files) for name, files in classes.items()} for part, classes in layout.parts.items()}


@pytest.mark.parametrize(
    ("folder", "role"),
    [
        ("train", "train"), ("Train", "train"), ("TRAINING", "train"), ("training_set", "train"), ("trainset", "train"),
        ("seg_train", "train"), ("images-train", "train"), ("Train Data", "train"), ("test", "test"), ("testing", "test"),
        ("test_set", "test"), ("TestImages", "test"), ("seg_test", "test"), ("val", "val"), ("valid", "val"), ("Validation", "val"),
        ("val_images", "val"), ("dev", "val"), ("seg_pred", "unlabelled"), ("unlabeled", "unlabelled"),
        ("trains", ""), ("trainer", ""), ("contest", ""), ("valley", ""), ("cat", ""), ("set", ""), ("data", ""), ("latest", ""),
    ],
)  # fmt: skip
def test_the_part_that_a_folders_name_says(folder: str, role: str) -> None:
    assert role_of(folder) == role


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"), ("Train", "Test"), ("training_set", "test_set"), ("training", "testing"), ("train", "val"),
        ("train", "valid"), ("train", "validation"), ("seg_train/seg_train", "seg_test/seg_test"), ("p/Train", "p/Test"),
        ("p/q/training_set/training_set", "p/q/test_set/test_set"), ("train/images", "test/images"),
    ],
)  # fmt: skip
def test_parts_under_any_usual_name(train: str, test: str) -> None:
    layout = found(
        *(f"{train}/{c}/{i}.png" for c in ("cat", "dog") for i in range(3)), f"{test}/cat/9.png", f"{test}/dog/9.png"
    )
    assert counts(layout) == {"train": {"cat": 3, "dog": 3}, "test": {"cat": 1, "dog": 1}}
    assert layout.notes == ()


def test_parts_may_lie_inside_the_classes() -> None:
    layout = found("cat/train/1.png", "cat/train/2.png", "cat/test/1.png", "dog/train/1.png", "dog/test/1.png")
    assert counts(layout) == {"train": {"cat": 2, "dog": 1}, "test": {"cat": 1, "dog": 1}}


def test_with_all_three_parts_the_validation_pictures_are_told_as_unused() -> None:
    names = [
        f"{part}/{c}/{i}.png" for part, n in (("train", 3), ("val", 2), ("test", 1)) for c in "ab" for i in range(n)
    ]
    layout = found(*names)
    assert counts(layout) == {"train": {"a": 3, "b": 3}, "test": {"a": 1, "b": 1}}
    assert layout.notes == ("4 pictures in 'val' are not used: 'test' is there to test on.",)


def test_pictures_without_classes_beside_the_parts_are_told_as_unused() -> None:
    layout = found("seg_train/a/1.png", "seg_train/b/1.png", "seg_test/a/1.png", "seg_test/b/1.png", "seg_pred/7.png")
    assert counts(layout) == {"train": {"a": 1, "b": 1}, "test": {"a": 1, "b": 1}}
    assert layout.notes == ("1 picture in 'seg_pred' is not used: it has no classes.",)


def test_a_class_may_be_called_as_a_part() -> None:
    assert counts(found("bus/1.png", "car/1.png", "train/1.png")) == {"train": {"bus": 1, "car": 1, "train": 1}}


@pytest.mark.parametrize(
    ("names", "sentence", "hint"),
    [
        (["train/a/1.png", "train/b/1.png"], "'train' needs a folder 'test'", "only what is in 'train'"),
        (["x/Training_Set/a/1.png", "x/Training_Set/b/1.png"], "'Training_Set' needs a folder 'test'", "a fifth of each class"),
        (["test/a/1.png", "test/b/1.png"], "'test' needs a folder 'train'", "Name it so"),
        (["val/a/1.png", "test/b/1.png"], "'test' needs a folder 'train'|'val' needs a folder 'train'", "Name it so"),
        (["train/a/1.png", "test/a/1.png", "cat/1.png"], "may be a class or a part", "only folders of classes"),
        (["train/a/1.png", "training/a/1.png", "test/a/1.png"], "'train' and 'training' may be the same", "one folder"),
        (["train/1.png", "test/a/1.png"], "in no class folder", "one subfolder per class"),
        (["1.png", "a/1.png"], "in no class folder", "one subfolder per class"),
    ],
)  # fmt: skip
def test_what_can_be_understood_in_two_ways_is_asked(names: list[str], sentence: str, hint: str) -> None:
    with pytest.raises(AssetError, match=sentence) as caught:
        found(*names)
    assert hint in caught.value.hint


def test_skipped_files_are_counted_and_named_by_their_endings() -> None:
    names = [f"a/{i}.heic" for i in range(9)] + [f"b/{i}.TXT" for i in range(3)] + ["README", "a/1.png", "b/1.png"]
    layout = found(*names)
    assert layout.notes == ("13 files were skipped: 9 .heic, 3 .txt, 1 without an ending.",)
    assert found("a/1.png", "b/1.png", "b/x.csv").notes == ("1 file was skipped: 1 .csv.",)
    many = [f"a/1.e{i}" for i in range(9)]
    assert found("a/1.png", "b/1.png", *many).notes == (
        "9 files were skipped: 1 .e0, 1 .e1, 1 .e2, 1 .e3, 1 .e4, 1 .e5, 3 others.",
    )


def test_a_class_of_which_every_file_was_skipped_is_refused() -> None:
    lost = [f"cat/{i}.heic" for i in range(12)]
    for names in (["bird/1.png", "dog/1.png", *lost], [f"p/{name}" for name in ("bird/1.png", "dog/1.png", *lost)]):
        with pytest.raises(
            AssetError, match=r"'cat' holds no picture that can be read\. 12 files were skipped: 12 \.heic\."
        ):
            found(*names)
    with pytest.raises(AssetError, match=r"no pictures in it\. 12 files were skipped: 12 \.heic\."):
        found(*lost)
    with pytest.raises(AssetError, match="'cat' holds no picture"):
        found("train/dog/1.png", "train/bird/1.png", "train/cat/1.heic", "test/dog/1.png", "test/bird/1.png")


def test_what_systems_leave_behind_is_passed_over_without_a_word() -> None:
    junk = ["@eaDir/a/1.png", "a/@eaDir/1.png", ".thumbnails/1.png", "a/.thumbnails/1.png", "__MACOSX/a/._1.png", "Thumbs.db",
            "a/Thumbs.db", ".DS_Store", "a/.DS_Store", "b/desktop.ini", "#recycle/a/1.png"]  # fmt: skip
    layout = found("a/1.png", "b/1.png", *junk)
    assert counts(layout) == {"train": {"a": 1, "b": 1}}
    assert layout.notes == ()


def test_names_are_compared_in_one_normal_form() -> None:
    apart, one = unicodedata.normalize("NFD", "Äpfel"), unicodedata.normalize("NFC", "Äpfel")
    assert apart != one
    layout = found(f"train/{apart}/1.png", "train/b/1.png", f"test/{one}/1.png", "test/b/1.png")
    assert counts(layout) == {"train": {one: 1, "b": 1}, "test": {one: 1, "b": 1}}
    assert layout.parts["train"][one] == [f"train/{apart}/1.png"]  # as the folder calls it, for it is to be read
    assert same_name(apart) == same_name(one)
    assert classes_of(layout.parts, (apart, "b"), (), "alphabetical") == ((one, "b"), {one: 0, "b": 1})


def test_the_natural_order_compares_numbers() -> None:
    names = ["class10", "class9", "class2", "Class1", "10", "9", "007", "7", "b", "B2"]
    parts = {"train": {name: ["x"] for name in names}}
    natural, labels = classes_of(parts, None, (), "natural")
    assert natural == ("007", "7", "9", "10", "b", "B2", "Class1", "class2", "class9", "class10")
    assert labels["10"] == 3
    assert classes_of(parts, None, (), "alphabetical")[0] == tuple(sorted(names))


def test_a_name_of_thousands_of_digits_is_a_name_like_others() -> None:
    parts = {"train": {"9" * 5000: ["x"], "1" * 5001: ["x"]}}
    assert classes_of(parts, None, (), "natural")[0] == ("9" * 5000, "1" * 5001)
