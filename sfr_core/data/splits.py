"""What is forgotten: whole classes, a random share, chosen samples, or a concept (docs/contracts.md, forget specification)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sfr_core.configs import MAX_SEED
from sfr_core.data.datasets import Dataset
from sfr_core.data.file_names import rows_of
from sfr_core.data.layout import composed
from sfr_core.errors import SpecError, UnknownName, quoted, reason
from sfr_core.reading import text_of

FORMS = "Write class:NAME[,NAME...], random:SHARE[@SEED], samples:ROW[,ROW...], files:NAME[,NAME...] or concept:TEXT."
BY_FILES = "files:"
"""Beginning of the form that names pictures by their files; its canonical spelling is that of their rows."""
CONCEPT_LENGTH = 100
"""Characters of a concept at most: a name or a short phrase, no story."""


@dataclass(frozen=True, slots=True)
class ForgetSpec:
    """A parsed specification; exactly one of the four is set.

    Attributes:
        classes: class indices, sorted. Of a concept, once its prompts are known (data/concepts.py): the prompts that ask
            for it.
        share, seed: share of the training rows (0 to 1) and the seed that picks them.
        rows: row numbers in the training set, sorted.
        concept: what a text-to-image model shall no longer draw, "" where it is no concept.
        text: the canonical spelling, the same for every way to write the same thing.
    """

    text: str
    classes: tuple[int, ...] = ()
    share: float | None = None
    seed: int = 0
    rows: tuple[int, ...] = ()
    concept: str = ""


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers (int64, sorted) of the forget and the remain set; together every row once."""

    spec: ForgetSpec
    forget: NDArray[np.int64]
    remain: NDArray[np.int64]


def forget_spec(kind: str, name: str) -> str:
    """The forget specification of one class, or of one concept where the model's kind (ModelCard.kind) reads prompts."""
    return f"{'concept' if kind == 'text-to-image' else 'class'}:{name}"


def parse_forget(
    text: str, class_names: tuple[str, ...], *, files: bool = False, dataset: Dataset | None = None
) -> ForgetSpec:
    """Reads a forget specification.

    Args:
        text: as docs/contracts.md states it.
        class_names: in the order of the labels; of a text-to-image model the names of its concepts.
        files: `samples:@FILE` and `files:@FILE` may name a file. Only the command line allows it: a visitor of the page must never make
            the server read one of its files.
        dataset: the pictures that `files:` names; without them it is refused.

    Raises:
        SpecError: not one of the forms, or a share or row that makes no sense. UnknownName: no such class or picture.
    """
    kind, colon, body = text.strip().partition(":")
    if not colon or not body.strip():
        raise SpecError(f"The forget specification '{quoted(text)}' cannot be read.", hint=FORMS)
    if kind == "class":
        return _parse_classes(body, class_names)
    if kind == "random":
        return _parse_share(body)
    if kind == "samples":
        return _parse_rows(body.strip(), files)
    if kind == "files":
        return _parse_files(body.strip(), files, dataset)
    if kind == "concept":
        return _parse_concept(body, class_names)
    raise SpecError(f"Nothing can be forgotten by '{quoted(kind)}'.", hint=FORMS)


def _parse_classes(body: str, class_names: tuple[str, ...]) -> ForgetSpec:
    index = {composed(name).casefold(): i for i, name in enumerate(class_names)}
    chosen = set()
    for name in (composed(part.strip()) for part in body.split(",")):
        if name.casefold() not in index:
            raise UnknownName("class", name, class_names)
        chosen.add(index[name.casefold()])
    if len(chosen) == len(class_names):
        raise SpecError(
            "Every class is to be forgotten, so nothing would remain.", hint="Leave at least one class out."
        )
    classes = tuple(sorted(chosen))
    return ForgetSpec(text="class:" + ",".join(class_names[c] for c in classes), classes=classes)


def _parse_share(body: str) -> ForgetSpec:
    share_text, at, seed_text = body.partition("@")
    try:
        share, seed = float(share_text), int(seed_text) if at else 0
    except ValueError:
        raise SpecError(
            f"The share '{quoted(body)}' cannot be read.", hint="Write for example random:0.1 or random:0.1@3."
        ) from None
    if not 0.0 < share < 1.0:
        raise SpecError(f"The share {quoted(share_text)} is not between 0 and 1.", hint="Write for example random:0.1.")
    if not 0 <= seed <= MAX_SEED:
        raise SpecError(
            f"The seed {quoted(seed_text)} is out of range.", hint=f"Give a whole number from 0 to {MAX_SEED}."
        )
    return ForgetSpec(text=f"random:{share!r}@{seed}", share=share, seed=seed)


def _parse_rows(body: str, files: bool) -> ForgetSpec:
    if body.startswith("@"):
        body = ",".join(_listed(body[1:], "row numbers", files).replace(",", " ").split())
    try:
        rows = tuple(sorted({int(part) for part in body.split(",")}))
    except ValueError:
        raise SpecError(
            f"The row numbers '{quoted(body)}' cannot be read.", hint="Write for example samples:3,17."
        ) from None
    return ForgetSpec(text="samples:" + ",".join(map(str, rows)), rows=rows)


def _parse_files(body: str, files: bool, dataset: Dataset | None) -> ForgetSpec:
    """Names, separated by commas or one a line of a file; one whose own name has a comma can stand alone or in a file."""
    if dataset is None:
        raise SpecError("Pictures cannot be named by their files here.", hint="Write samples:ROW[,ROW...].")
    if body.startswith("@"):
        names = _listed(body[1:], "picture names", files).splitlines()
    else:
        names = [body] if composed(body) in (dataset.files or ()) else body.split(",")
    rows = rows_of([name for name in names if name.strip()], dataset)
    return ForgetSpec(text="samples:" + ",".join(map(str, rows)), rows=rows)


def _listed(path: str, what: str, allowed: bool) -> str:
    """The text of a file that a specification names."""
    if not allowed:
        raise SpecError(f"A file of {what} cannot be named here.", hint=f"Give the {what} themselves.")
    try:
        return text_of(Path(path))
    except (OSError, ValueError) as error:  # ValueError: no text, or a NUL in the name
        raise SpecError(f"The file of {what} {quoted(path)} cannot be read ({reason(error)}).", hint=FORMS) from None


def _parse_concept(body: str, names: tuple[str, ...]) -> ForgetSpec:
    """A name of the list in its spelling; other texts as they are, since a model without a list takes any."""
    text = " ".join(body.split())
    if len(text) > CONCEPT_LENGTH:
        raise SpecError(
            f"A concept of {len(text)} characters is too long.", hint=f"Name it in at most {CONCEPT_LENGTH} characters."
        )
    concept = next((name for name in names if name.casefold() == text.casefold()), text)
    return ForgetSpec(text=f"concept:{concept}", concept=concept)


def split_rows(spec: ForgetSpec, labels: NDArray[np.int64]) -> Split:
    """Applies a specification to the labels [n] of a training set.

    A random share is drawn without replacement by numpy's PCG64 with the spec's seed: round(share * n) rows. Of a model
    without pictures (n = 0), which draws its own, whole classes can be forgotten: both sets are empty.

    Raises:
        SpecError: a row number outside the training set, or a forget or remain set without rows.
    """
    n = len(labels)
    if spec.classes and not n:
        return Split(spec, np.zeros(0, np.int64), np.zeros(0, np.int64))
    if spec.classes:
        forget = np.flatnonzero(np.isin(labels, spec.classes))
        if not len(forget):
            raise SpecError("There are no pictures of what is to be forgotten.", hint="Name a class that has pictures.")
    elif spec.share is not None:
        forget = np.random.default_rng(spec.seed).permutation(n)[: round(spec.share * n)]
    else:
        outside = [row for row in spec.rows if not 0 <= row < n]
        if outside:
            raise SpecError(f"Row {outside[0]} does not exist.", hint=f"Rows go from 0 to {n - 1}.")
        forget = np.asarray(spec.rows)
    forget = np.sort(forget).astype(np.int64)
    remain = np.setdiff1d(np.arange(n), forget).astype(np.int64)
    if not len(forget) or not len(remain):
        raise SpecError("One of the two sets would be empty.", hint="Choose at least one row and leave at least one.")
    return Split(spec, forget, remain)


def count_copies(images: NDArray[np.uint8], split: Split) -> int:
    """How many pictures of the remain set are pixel by pixel the same as one of the forget set: what they teach is not forgotten.

    Args:
        images: uint8 [n, h, w, c], of the whole training set.
    """
    forgotten = {_fingerprint(images[row]) for row in split.forget}
    return sum(_fingerprint(images[row]) in forgotten for row in split.remain)


def _fingerprint(image: NDArray[np.uint8]) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()
