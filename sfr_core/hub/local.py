"""A pipeline in a folder on this machine, known by its content: looked at, checked and opened like one of the Hub.

Only the command line comes here: a visitor of the page must never make the server read one of its files.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

from sfr_core.errors import AssetError, HubError, quoted, reason
from sfr_core.hub.fetch import fetch, view
from sfr_core.hub.files import PICKLES, HubFile, Part
from sfr_core.hub.headers import LORA_FILES, a_checkpoint, a_lora, local_header, refuse_no_model
from sfr_core.hub.lone import is_lone, of_lone
from sfr_core.hub.names import HubName, read_name
from sfr_core.hub.resolve import UNKNOWN, HubModel, of_pipeline, recall, remember, resolve
from sfr_core.nets.pipelines import INDEX, read_json, sha256_of
from sfr_core.zoo.shipped import HUB, LOCAL, cards

BEGINS = ("./", "../", "/", "~")
"""How a path begins whether or not something is there; any other text is one where something is there."""
DIGITS, LONGEST = 12, 40
"""Of the hash in a local identifier; characters of the folder's name in it."""
HINT = "Give a folder as save_pretrained of diffusers writes it, with a model_index.json."


def is_path(text: str) -> bool:
    """Whether a model's name on the command line is a path."""
    if text.startswith((HUB, LOCAL)) or any(text == card.id for card in cards()):
        return False
    return text.startswith(BEGINS) or text in (".", "..") or os.path.exists(text)


def is_here(text: str) -> bool:
    """Whether a model's name means a pipeline on this machine: a path, or the identifier of one."""
    return text.startswith(LOCAL) or is_path(text)


def look_up_here(text: str) -> HubModel:
    """A pipeline on this machine by its path or identifier; any other name as `resolve`.

    Raises:
        HubError: no pipeline that can be opened here, or one that is gone or was changed.
    """
    if text.startswith(LOCAL):
        return _known(read_name(text))
    return of_folder(Path(text).expanduser()) if is_path(text) else resolve(text)


def _known(name: HubName) -> HubModel:
    model = recall(name)
    if model is None:
        raise HubError(f"{name} is not known on this machine.", hint="Give its folder with --model.")
    fetch(model)
    return model


def of_folder(folder: Path) -> HubModel:
    """The pipeline of a folder. Its identifier follows from the files that are used, so that another content is another model.

    Raises:
        HubError: no folder, no pipeline that can be opened here, pickles only, or a listed part that is missing.
    """
    _refuse_others(folder)
    if not (folder / INDEX).is_file():
        return _noted(of_lone(HubName(_plain(folder), "", local=True), folder), folder)
    try:
        index = read_json(folder / INDEX)
        found = [
            HubFile(path.relative_to(folder).as_posix(), path.stat().st_size, None, "")
            for path in sorted((*folder.glob("*"), *folder.glob("*/*")))
            if path.is_file()
        ]
    except (AssetError, OSError) as error:
        raise HubError(f"The pipeline {folder} cannot be read ({reason(error)}).", hint=HINT) from None
    bare = of_pipeline(HubName(_plain(folder), "", local=True), index, found, licence=UNKNOWN, gated=False)
    if bare.pickles:
        raise HubError(
            f"{folder} holds weights as pickles, which are never read here ({bare.pickles[0].path}).",
            hint="Save it again with safe_serialization=True, by save_pretrained of diffusers.",
        )
    return _noted(bare, folder)


def _noted(bare: HubModel, folder: Path) -> HubModel:
    """A model with the hashes of its files, and its name by them; what is known of it is kept.

    Raises:
        HubError: a file cannot be read.
    """
    try:
        parts = tuple(
            Part(part.name, _hashed(folder, part.weights), _hashed(folder, part.others)) for part in bare.parts
        )
        root = _hashed(folder, bare.root)
    except OSError as error:
        raise HubError(f"The pipeline {folder} cannot be read ({reason(error)}).", hint=HINT) from None
    model = replace(bare, parts=parts, root=root)
    lines = "\n".join(sorted(f"{file.path} {file.sha256}" for file in model.files))
    digest = hashlib.sha256(lines.encode()).hexdigest()[:DIGITS]
    model = replace(model, name=replace(bare.name, revision=digest))
    view(model, folder.resolve())
    remember(model)
    return model


def _refuse_others(path: Path) -> None:
    """Says what a path holds that is no pipeline's folder.

    Raises:
        HubError: it is no such folder.
    """
    if path.is_file():
        _refuse_file(path)
        raise HubError(
            f"{path} is a file and no pipeline.",
            hint=f"{HINT} A classifier's weights are given with --weights, beside --data and --architecture.",
        )
    if not path.is_dir():
        raise HubError(f"There is no folder {quoted(str(path))}.", hint=HINT)
    if not (path / INDEX).is_file() and not is_lone(path):
        for file in sorted(path.glob("*")):
            _refuse_file(file)
        raise HubError(f"The folder {path} holds no {INDEX}.", hint=HINT)


def _refuse_file(path: Path) -> None:
    if path.name in LORA_FILES:
        raise a_lora(str(path))
    if path.suffix == ".ckpt":
        raise a_checkpoint(str(path))
    if path.suffix == ".safetensors":
        refuse_no_model(str(path), local_header(path))
    if path.suffix in PICKLES:
        raise HubError(f"{path} is a pickle, which is never read here.", hint=HINT)


def _hashed(folder: Path, files: tuple[HubFile, ...]) -> tuple[HubFile, ...]:
    return tuple(replace(file, sha256=sha256_of(folder / file.path)) for file in files)


def _plain(folder: Path) -> str:
    """The folder's name as an identifier may hold it."""
    name = re.sub(r"[^\w.-]+", "-", folder.resolve().name, flags=re.ASCII).strip("-.")
    return name[:LONGEST].strip("-.") or "pipeline"
