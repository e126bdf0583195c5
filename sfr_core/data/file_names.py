"""Training rows by the names of the files that their pictures came from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import PurePosixPath

from sfr_core.data.datasets import Dataset
from sfr_core.data.layout import composed
from sfr_core.errors import SpecError, UnknownName, quoted

MOST_COMPARED = 2000
"""Names among which the nearest to an unknown one is looked for."""


def rows_of(wanted: Iterable[str], dataset: Dataset) -> tuple[int, ...]:
    """The training rows of some files, sorted.

    A name is that of the folder or zip ("train/cat/001.png") or its end, as far as only one file ends so ("cat/001.png"). Upper and lower
    case matter only where two names differ in nothing else.

    Raises:
        SpecError: the pictures came from no files, a name is that of several or of a test picture. UnknownName: no such file.
    """
    if dataset.files is None:
        raise SpecError("The pictures of this model have no file names.", hint="Write samples:ROW[,ROW...].")
    names, tests = dataset.files, dataset.test_files or ()
    found: set[int] = set()
    ends = _by_ends(names)
    exact = {name: row for row, name in enumerate(names)}
    for text in wanted:
        name = str(PurePosixPath(composed(text.strip().replace("\\", "/"))))
        rows = [exact[name]] if name in exact else ends.get(name.casefold(), [])
        if len(rows) > 1:
            rows = [row for row in rows if f"/{names[row]}".endswith(f"/{name}")] or rows
        if len(rows) > 1:
            some = ", ".join(quoted(names[row]) for row in rows[:3])
            raise SpecError(f"{len(rows)} files are called '{quoted(name)}'.", hint=f"Write more of the name: {some}.")
        if not rows:
            raise _unknown(name, names, tests)
        found.update(rows)
    return tuple(sorted(found))


def table_of(dataset: Dataset, forget: Iterable[int]) -> str | None:
    """rows.csv: which file each row is, of which class and part, and whether it is forgotten; None where pictures came from no files."""
    if dataset.files is None:
        return None
    forgotten = set(map(int, forget))
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write(["row", "file", "class", "part", "forget"])
    parts = (
        ("train", dataset.files, dataset.train, forgotten),
        ("test", dataset.test_files or (), dataset.test, set[int]()),
    )
    for part, names, pictures, those in parts:
        for row, (name, label) in enumerate(zip(names, pictures.labels, strict=True)):
            write([row, name, dataset.class_names[label], part, "yes" if row in those else "no"])
    return out.getvalue()


def check_table(table: str, dataset: Dataset, forget: Iterable[int]) -> None:
    """Refuses rows to forget that are other files now than they were in an earlier run.

    Args:
        table: what `table_of` made then. forget: training rows.

    Raises:
        SpecError: a file was added, removed or renamed since.
    """
    then = {line["row"]: line["file"] for line in csv.DictReader(io.StringIO(table)) if line.get("part") == "train"}
    now = dataset.files or ()
    for row in map(int, forget):
        old, new = then.get(str(row), ""), now[row].encode(errors="backslashreplace").decode() if row < len(now) else ""
        if old != new:
            raise SpecError(
                f"Row {row} was '{quoted(old)}' in that run and is '{quoted(new)}' now.",
                hint="Give the pictures as they were, or name those to forget by their files (files:NAME).",
            )


def _by_ends(names: Iterable[str]) -> dict[str, list[int]]:
    """Rows by every end of their names, in lower case: cat/001.png and 001.png."""
    ends: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        parts = name.casefold().split("/")
        for start in range(len(parts)):
            ends.setdefault("/".join(parts[start:]), []).append(row)
    return ends


def _unknown(name: str, names: tuple[str, ...], tests: tuple[str, ...]) -> SpecError | UnknownName:
    if name.casefold() in _by_ends(tests):
        return SpecError(
            f"'{quoted(name)}' is a picture to test on, which was never trained on.",
            hint="Name training pictures; rows.csv of a run tells them apart.",
        )
    near = [one for one in names if PurePosixPath(one).parent.name == PurePosixPath(name).parent.name] or names
    return UnknownName("picture", name, near[:MOST_COMPARED])
