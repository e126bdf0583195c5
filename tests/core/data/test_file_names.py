"""Pictures named by their files: whole names, ends of names, lists, what is refused, and the table of a run's folder."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sfr_core.configs import RunConfig
from sfr_core.data.datasets import Dataset, Pictures
from sfr_core.data.file_names import check_table, rows_of, table_of
from sfr_core.data.folder import open_folder
from sfr_core.data.splits import parse_forget
from sfr_core.errors import InputError, SpecError, UnknownName
from sfr_core.plan import plan
from sfr_core.zoo import shipped
from tests.core.data.picture_files import TRAIN_TEST, picture, write

TRAIN = (
    "train/cat/001.png",
    "train/cat/002.png",
    "train/dog/001.png",
    "train/dog/A.png",
    "train/dog/a.png",
    "train/dog/é, 1.png",
)
TEST = ("test/cat/001.png", "test/cat/009.png", "test/dog/009.png")


def named(train: tuple[str, ...] = TRAIN, test: tuple[str, ...] = TEST) -> Dataset:
    def pictures(names: tuple[str, ...]) -> Pictures:
        labels = np.array([int("dog" in name) for name in names], np.int64)
        return Pictures(np.arange(len(names), dtype=np.uint8).reshape(-1, 1, 1, 1), labels)

    return Dataset(
        "pets", ("cat", "dog"), pictures(train), pictures(test), (0.5,), (0.5,), files=train, test_files=test
    )


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        ("train/cat/002.png", "1"),
        ("cat/002.png", "1"),
        ("002.png", "1"),
        ("CAT/002.PNG", "1"),
        (" dog/001.png , cat/001.png,dog/001.png", "0,2"),
        ("./train/cat/001.png", "0"),
        ("train\\cat\\001.png", "0"),
        ("dog/a.png", "4"),
        ("dog/A.png", "3"),
        ("train/dog/é, 1.png", "5"),  # a whole name may hold a comma
        (unicodedata.normalize("NFD", "train/dog/é") + ", 1.png", "5"),
    ],
)
def test_files_are_rows(body: str, rows: str) -> None:
    spec = parse_forget(f"files:{body}", ("cat", "dog"), dataset=named())
    assert spec.text == f"samples:{rows}"
    assert spec == parse_forget(spec.text, ("cat", "dog"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_list_has_a_name_a_line_in_whatever_an_editor_writes(tmp_path: Path, encoding: str, end: str) -> None:
    (tmp_path / "list.txt").write_bytes(end.join(["", "dog/é, 1.png", " cat/001.png ", "", ""]).encode(encoding))
    spec = parse_forget(f"files:@{tmp_path}/list.txt", ("cat", "dog"), files=True, dataset=named())
    assert spec.rows == (0, 5)
    (tmp_path / "rows.txt").write_bytes(f"5{end}0{end}".encode(encoding))
    assert parse_forget(f"samples:@{tmp_path}/rows.txt", ("cat", "dog"), files=True) == spec
    with pytest.raises(SpecError, match="cannot be named here"):
        parse_forget(f"files:@{tmp_path}/list.txt", ("cat", "dog"), dataset=named())


@pytest.mark.parametrize(
    ("body", "kind", "sentence"),
    [
        ("cat/003.png", UnknownName, r"Unknown picture 'cat/003\.png'\. Did you mean 'train/cat/00[12]\.png'"),
        ("001.png", SpecError, r"2 files are called '001\.png'.*train/cat/001\.png, train/dog/001\.png"),
        ("dog/aA.png", UnknownName, "Unknown picture"),
        ("cat/009.png", SpecError, "a picture to test on"),
        ("test/cat/001.png", SpecError, "a picture to test on"),
        ("../secret", UnknownName, "Unknown picture"),
        ("x" * 5000, UnknownName, "Unknown picture 'x{79}…'"),
    ],
)
def test_names_that_are_none_or_several(body: str, kind: type[InputError], sentence: str) -> None:
    with pytest.raises(kind, match=sentence) as caught:
        parse_forget(f"files:{body}", ("cat", "dog"), dataset=named())
    assert caught.value.hint


def test_pictures_that_came_from_no_files_have_no_names() -> None:
    with pytest.raises(SpecError, match="have no file names"):
        rows_of(["a.png"], replace(named(), files=None))
    with pytest.raises(SpecError, match="cannot be named by their files here"):
        parse_forget("files:a.png", ("cat", "dog"))


def test_a_plan_holds_the_rows_wherever_it_was_made() -> None:
    data = named()
    config = RunConfig(model="x", forget="files:cat/002.png", method="finetune", settings={})
    card = replace(shipped.card("fashion-mnist-resnet"), id="own:x", retrained=())
    run = plan(config, card=card, dataset=data)
    assert (run.config.forget, run.forget.spec.text, run.forget.rows.tolist()) == ("samples:1", "samples:1", [1])


def test_the_table_says_which_file_each_row_is() -> None:
    assert (table_of(named(), [1, 5]) or "").splitlines() == [
        "row,file,class,part,forget",
        "0,train/cat/001.png,cat,train,no",
        "1,train/cat/002.png,cat,train,yes",
        "2,train/dog/001.png,dog,train,no",
        "3,train/dog/A.png,dog,train,no",
        "4,train/dog/a.png,dog,train,no",
        '5,"train/dog/é, 1.png",dog,train,yes',
        "0,test/cat/001.png,cat,test,no",
        "1,test/cat/009.png,cat,test,no",
        "2,test/dog/009.png,dog,test,no",
    ]
    assert table_of(replace(named(), files=None), [1]) is None


def test_rows_that_are_other_files_than_in_an_earlier_run_are_refused() -> None:
    table = table_of(named(), [1]) or ""
    check_table(table, named(), [0, 1, 5])
    grown = named(("train/cat/000.png", *TRAIN))
    with pytest.raises(SpecError, match=r"Row 1 was 'train/cat/002\.png' in that run and is 'train/cat/001\.png' now"):
        check_table(table, grown, [1])
    with pytest.raises(SpecError, match=r"Row 6 was '' in that run"):
        check_table(table, grown, [6])


def test_rows_of_a_folder_bear_the_names_of_their_files(tmp_path: Path) -> None:
    data = open_folder(write(tmp_path / "x", TRAIN_TEST))
    assert data.files == ("train/a/1.png", "train/a/2.png", "train/b/1.png")
    assert data.test_files == ("test/a/1.png", "test/b/1.png")
    split = open_folder(
        write(tmp_path / "y", {f"{c}/{i}.png": picture(10 * i + k) for k, c in enumerate("ab") for i in range(5)})
    )
    for names, pictures in ((split.files, split.train), (split.test_files, split.test)):
        assert [f"{'ab'[v % 10]}/{v // 10}.png" for v in pictures.images[:, 0, 0, 0].tolist()] == list(names or ())
