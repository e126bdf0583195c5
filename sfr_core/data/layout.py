"""Which file belongs to which class and part: subfolders per class, and folders to train and to test on under any usual name."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from sfr_core.configs.pictures import ClassOrder
from sfr_core.data.sources import LAYOUT
from sfr_core.errors import AssetError, quoted

"""Of subfolders: "10" before "9", or 9 before 10."""
MAX_PICTURES = 100_000
JUNK = frozenset(
    {"__macosx", "@eadir", "@recycle", "#recycle", "$recycle.bin", "thumbs.db", "ehthumbs.db", "desktop.ini"}
)
"""What systems leave in folders, in lower case; like names that begin with a dot it is passed over without a word."""
ROLES = {
    "train": r"train(?:ing)?|trn",
    "test": r"test(?:ing)?|tst|eval(?:uation)?|holdout",
    "val": r"val(?:id(?:ation)?)?|dev",
    "unlabelled": r"pred(?:ict(?:ions?)?)?|unlabell?ed",
}
BESIDE = r"(?:data)?sets?|data|images?|imgs?|pictures?|pics?|photos?|split|seg|folder|part"
"""Words that say nothing beside those of ROLES: seg_train, training_set, TestImages."""
_PATTERNS = {
    role: re.compile(rf"(?:(?:{BESIDE})[\W_]*)*(?:{words})(?:[\W_]*(?:{BESIDE}))*") for role, words in ROLES.items()
}
ENDINGS_NAMED = 6

Found = tuple[str, tuple[str, ...]]
"""A file's name and its folders and own name, in NFC."""
Parts = dict[str, dict[str, list[str]]]
"""Files by part ("train", and "test" where there is one) and class."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What was found.

    Attributes:
        parts: as `Parts`. notes: sentences on what was not taken.
    """

    parts: Parts
    notes: tuple[str, ...]


def composed(text: str) -> str:
    """One spelling of one text: macOS writes an umlaut as two characters, others as one (Unicode's normal form C)."""
    return unicodedata.normalize("NFC", text)


def same_name(text: str) -> str:
    """What two names of a class have in common: case and underscores make no difference."""
    return " ".join(composed(text).replace("_", " ").casefold().split())


def role_of(folder: str) -> str:
    """The key of ROLES that a folder's name says, or ""."""
    return next((role for role, pattern in _PATTERNS.items() if pattern.fullmatch(folder.casefold())), "")


def find(names: Iterable[str], is_picture: Callable[[str], bool]) -> Layout:
    """Picture files by part and class.

    Args:
        names: of all files, relative to the top with forward slashes.
        is_picture: whether a file can be read as one.

    Raises:
        AssetError: no pictures, too many, some in no class folder, or folders that can be understood in two ways.
    """
    files = [(name, tuple(composed(part) for part in PurePosixPath(name).parts)) for name in sorted(names)]
    files = [
        (name, parts) for name, parts in files if not any(p.startswith(".") or p.casefold() in JUNK for p in parts)
    ]
    pictures: list[Found] = []
    skipped: list[Found] = []
    for name, parts in files:
        (pictures if is_picture(name) else skipped).append((name, parts))
    note = skipped_note(parts[-1] for _, parts in skipped)
    if not pictures:
        raise AssetError(" ".join(("There are no pictures in it.", *note)), hint=LAYOUT)
    if len(pictures) > MAX_PICTURES:
        raise AssetError(f"There are {len(pictures)} pictures in it.", hint=f"Give at most {MAX_PICTURES}.")
    # A zip of one folder, or a folder in a folder: the classes lie below.
    pictures, skipped = _below(pictures, skipped, until=role_of)
    _check_depth(pictures, 2)
    if all(len(parts) > 2 and role_of(parts[1]) and not role_of(parts[0]) for _, parts in pictures):  # cat/train/1.png
        pictures = [(name, (parts[1], parts[0], *parts[2:])) for name, parts in pictures]
        skipped = [(name, (parts[1], parts[0], *parts[2:])) for name, parts in skipped if len(parts) > 2]
    used, unused = _roles(pictures)
    parts_found: Parts = {}
    for part, folder in used.items():
        inside, lost = _inside(pictures, folder), _inside(skipped, folder)
        if folder:
            inside, lost = _below(inside, lost)
            _check_depth(inside, 2)
        classes = parts_found.setdefault(part, {})
        for name, parts in inside:
            classes.setdefault(parts[0], []).append(name)
        _check_skipped(classes, lost)
    return Layout(parts_found, (*note, *unused))


def skipped_note(names: Iterable[str]) -> tuple[str, ...]:
    """A sentence on files that cannot be read as pictures, by their endings; nothing where there are none."""
    endings = Counter(PurePosixPath(name).suffix.lower()[:12] or "without an ending" for name in names)
    if not endings:
        return ()
    ranked = sorted(endings.items(), key=lambda item: (-item[1], item[0]))
    told = [f"{n:,} {ending}" for ending, n in ranked[:ENDINGS_NAMED]]
    others = sum(n for _, n in ranked[ENDINGS_NAMED:])
    told += [f"{others:,} others"] if others else []
    n = endings.total()
    return (f"{n:,} {'file was' if n == 1 else 'files were'} skipped: {', '.join(told)}.",)


def _below(
    pictures: list[Found], skipped: list[Found], until: Callable[[str], str] = lambda _: ""
) -> tuple[list[Found], list[Found]]:
    """Both without the folders that all pictures lie in, but for their classes' own; it stops where `until` says something."""
    while len(tops := {parts[0] for _, parts in pictures}) == 1 and all(len(parts) > 2 for _, parts in pictures):
        top = tops.pop()
        if until(top):
            break
        pictures, skipped = _inside(pictures, top), _inside(skipped, top)
    return pictures, skipped


def _inside(files: list[Found], folder: str) -> list[Found]:
    """The files below a top folder, seen from there; all of them for ""."""
    return [(name, parts[1:]) for name, parts in files if parts[0] == folder] if folder else files


def _check_depth(pictures: list[Found], least: int) -> None:
    for name, parts in pictures:
        if len(parts) < least:
            raise AssetError(f"The picture '{quoted(name)}' lies in no class folder.", hint=LAYOUT)


def _roles(pictures: list[Found]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Top folder of "train" and "test" ("" where the tops are the classes), and sentences on folders that are not used."""
    tops = sorted({parts[0] for _, parts in pictures})
    roles = {top: role_of(top) for top in tops if role_of(top)}
    if len(roles) < len(
        tops
    ):  # beside other classes, one that is called so and holds pictures itself is a class: trains, say
        flat = {parts[0] for _, parts in pictures if len(parts) == 2}
        roles = {top: role for top, role in roles.items() if top not in flat}
        if roles:
            split, other = next(iter(roles)), next(top for top in tops if top not in roles)
            raise AssetError(
                f"'{quoted(split)}' may be a class or a part of the pictures: '{quoted(other)}' lies beside it.",
                hint="Give only folders of classes, or only the folders train and test with the classes in them.",
            )
    if not roles:
        return {"train": ""}, ()
    by_role: dict[str, str] = {}
    for top, role in roles.items():
        if role in by_role:
            raise AssetError(
                f"'{quoted(by_role[role])}' and '{quoted(top)}' may be the same part of the pictures.",
                hint="Keep one of them, or put their pictures into one folder.",
            )
        by_role[role] = top
    if "train" not in by_role or not {"test", "val"} & by_role.keys():
        lone = by_role.get("train") or next(iter(by_role.values()))
        missing = "test" if "train" in by_role else "train"
        raise AssetError(
            f"A folder '{quoted(lone)}' needs a folder '{missing}' beside it.",
            hint=f"Name it so, or give only what is in '{quoted(lone)}': a fifth of each class is then held out to test on.",
        )
    test = "test" if "test" in by_role else "val"
    notes = []
    for role, top in by_role.items():
        if role not in ("train", test):
            n = sum(parts[0] == top for _, parts in pictures)
            many = "picture in '{}' is" if n == 1 else "pictures in '{}' are"
            why = "has no classes" if role == "unlabelled" else f"'{quoted(by_role[test])}' is there to test on"
            why = f"it {why}" if role == "unlabelled" else why
            notes.append(f"{n:,} {many.format(quoted(top))} not used: {why}.")
    return {"train": by_role["train"], "test": by_role[test]}, tuple(notes)


def _check_skipped(classes: dict[str, list[str]], skipped: list[Found]) -> None:
    """Refuses a class all of whose files were skipped: without it every later class would have another's place."""
    lost = sorted({parts[0] for _, parts in skipped if len(parts) > 1} - classes.keys())
    if lost:
        note = skipped_note(parts[-1] for _, parts in skipped if parts[0] == lost[0])
        raise AssetError(
            f"The folder '{quoted(lost[0])}' holds no picture that can be read. {note[0]}",
            hint="Save its pictures as PNG or JPEG, or remove the folder if it is no class.",
        )


def classes_of(
    parts: Parts, wanted: tuple[str, ...] | None, known: tuple[str, ...], order: ClassOrder
) -> tuple[tuple[str, ...], dict[str, int]]:
    """The classes, and the label of every subfolder in the order of labels; arguments as for `folder.open_folder`.

    Raises:
        AssetError: fewer than two classes, other ones than were wanted, or names that cannot be told apart.
    """
    place = {same_name(name): label for label, name in enumerate(known)}
    labels = {folder: place.get(same_name(folder), -1) for folder in parts["train"]}
    if -1 in labels.values():
        names = _class_names(parts, wanted, order)
        return names, {composed(name): label for label, name in enumerate(names)}
    _class_names(parts, None, order)  # for what it refuses
    if len(set(labels.values())) < len(labels):
        raise AssetError("Two folders are of the same class.", hint="Put their pictures into one of them.")
    return known, dict(sorted(labels.items(), key=lambda item: item[1]))


def _class_names(parts: Parts, wanted: tuple[str, ...] | None, order: ClassOrder) -> tuple[str, ...]:
    names = sorted(parts["train"], key=_natural if order == "natural" else None)
    if len(names) < 2:
        raise AssetError(f"There is only one class ('{quoted(names[0])}').", hint=LAYOUT)
    extra = sorted(set(parts.get("test", {})) - set(names))
    if extra:
        raise AssetError(f"The class '{quoted(extra[0])}' is in test but not in train.", hint=LAYOUT)
    if wanted is not None and sorted(map(composed, wanted)) != sorted(names):
        odd = sorted(set(map(composed, wanted)) ^ set(names)) or ["twice the same"]
        raise AssetError(
            f"The {len(names):,} folders are not the {len(wanted):,} classes that were named ({', '.join(odd[:5])}).",
            hint=LAYOUT,
        )
    if len({name.casefold() for name in names}) < len(names):
        raise AssetError("Two classes differ only in upper and lower case.", hint="Rename one of the folders.")
    bad = [name for name in names if "," in name or name != name.strip()]
    if bad:
        raise AssetError(
            f"The class name '{quoted(bad[0])}' has a comma or a blank at its end.",
            hint="Rename that folder: commas separate classes.",
        )
    if any("\ud800" <= letter <= "\udfff" for name in names for letter in name):
        raise AssetError("A folder's name is not readable text.", hint="Rename it, in UTF-8.")
    return tuple(map(composed, wanted)) if wanted else tuple(names)


def _natural(name: str) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Numbers as numbers, before letters; the name itself where that makes two equal ("1" and "01")."""
    pieces = re.findall(r"([0-9]+)|([^0-9]+)", name)
    numbers = [(number.lstrip("0"), text.casefold()) for number, text in pieces]
    return tuple((1, 0, text) if text else (0, len(number), number) for number, text in numbers), name
