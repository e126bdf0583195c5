"""Downloading a model from the Hub: only the files that it needs, each checked against the Hub's hash."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

from sfr_core.errors import HubError
from sfr_core.hub.files import HubFile
from sfr_core.hub.memory import in_words
from sfr_core.hub.names import HubName, clear_errors, unreachable
from sfr_core.hub.resolve import HubModel, cache_folder, own_folder, recall, remember, snapshot_folder

SPARE = 200 * 1000**2
"""Bytes of the disk that a download leaves free."""
Watch: TypeAlias = Callable[[int], None]
"""Told of every piece of a download, in bytes, those of an earlier attempt included; what it raises ends the download."""


def fetch(model: HubModel, watch: Watch | None = None) -> Path:
    """Downloads what is missing and checks everything.

    A connection that breaks is taken up where it broke; a file that came whole is not asked for again. What was never
    downloaded leaves nothing behind.

    Returns:
        The folder with the model's files, as `from_pretrained` reads it.

    Raises:
        HubError: pickles only, no network, not allowed, too little room, or a file with another hash than the Hub's; a folder on this
            machine that is gone or was changed.
    """
    if model.name.local:
        return _check_local(model)
    if model.pickles:
        raise HubError(
            f"{model.name.repo} holds weights as pickles, which are never read here ({model.pickles[0].path}).",
            hint=f"Make safetensors of them once: python -m sfr_core convert {model.id}",
        )
    if model.converted:
        folder = folder_of(model)
        for file in model.files:
            _check(model.name, folder / file.path, file, hint=f"Make it again: python -m sfr_core convert {model.id}")
        return folder
    source = fetch_files(model.name, model.files, watch)
    if recall(model.name) != model:
        remember(model)
    return view(model, source)


def view(model: HubModel, source: Path) -> Path:
    """A folder with links to the model's files alone: other programs may keep more of the same commit in the Hub's cache, and nothing is
    written to a folder of the user's."""
    folder = own_folder(model.name) / "files"
    for file in model.files:
        link, target = folder / file.path, (source / file.path).resolve()
        if link.exists() and link.resolve() == target:
            continue
        link.parent.mkdir(parents=True, exist_ok=True)
        new = link.with_name(f".{link.name}.{uuid4().hex}")  # put there in one move: another run may do the same now
        try:
            new.symlink_to(target)
        except OSError:  # a system without links
            shutil.copyfile(target, new)
        new.replace(link)
    return folder


def converted_folder(name: HubName) -> Path:
    """Where the files lie that `convert` makes of a commit."""
    return own_folder(name) / "converted"


def folder_of(model: HubModel) -> Path:
    """Where the model's files lie, or will."""
    if model.name.local:
        return own_folder(model.name) / "files"
    return converted_folder(model.name) if model.converted else snapshot_folder(model.name)


def missing_bytes(model: HubModel) -> int:
    """What is still to be downloaded."""
    folder = folder_of(model)
    return sum(f.size for f in model.files if not (folder / f.path).exists())


def fetch_files(name: HubName, files: tuple[HubFile, ...], watch: Watch | None = None) -> Path:
    """As `fetch`, for any files of one commit."""
    from huggingface_hub import snapshot_download

    folder = snapshot_folder(name)
    missing = [f for f in files if not (folder / f.path).exists()]
    if missing:
        _check_room(name, sum(f.size for f in missing))
        with clear_errors(name):
            snapshot_download(
                name.repo,
                revision=name.revision,
                cache_dir=cache_folder(),
                allow_patterns=[f.path for f in files],
                max_workers=4,
                tqdm_class=None if watch is None else _watched(watch),
            )
        if not all((folder / f.path).exists() for f in files):  # the library gives what is here if it reaches nobody
            raise unreachable(name)
    for file in files:
        _check(name, folder / file.path, file)
    return folder


def _watched(watch: Watch) -> type[Any]:
    """A progress bar that shows nothing and tells `watch` of the bytes that reach the disk."""
    from huggingface_hub.utils.tqdm import tqdm

    class Watched(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # The library has three bars: bytes from the network, bytes on the disk, and files.
            self._counts = kwargs.get("name") == "huggingface_hub.snapshot_download" and kwargs.get("unit") == "B"
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            if self._counts:
                watch(int(n or 0))

    return Watched


def _check_room(name: HubName, needed: int) -> None:
    where = cache_folder()
    while not where.exists():
        where = where.parent
    free = shutil.disk_usage(where).free
    if needed + SPARE > free:
        raise HubError(
            f"{name.repo} needs {in_words(needed)} of disk, and {in_words(free)} are free.",
            hint="Free some space, or put HF_HOME on a larger disk.",
        )


def _check(
    name: HubName, path: Path, file: HubFile, *, hint: str = "It was removed; try again to download it anew."
) -> None:
    """Removes a file whose content is not the one noted, so that the next attempt makes it anew."""
    if path.exists() and path.stat().st_size == file.size and _hash(path, file) == (file.sha256 or file.blob):
        return
    path.resolve().unlink(missing_ok=True)
    path.unlink(missing_ok=True)
    raise HubError(f"{file.path} of {name.repo} is damaged: its hash is not the Hub's.", hint=hint)


def _check_local(model: HubModel) -> Path:
    """Refuses a folder of the user's whose files are not those of before; the hashes of its weights are compared when they are opened.

    Raises:
        HubError: names the first file.
    """
    folder = folder_of(model)
    for file in model.files:
        path = folder / file.path
        same = path.exists() and path.stat().st_size == file.size
        if not same or (not file.path.endswith(".safetensors") and _hash(path, file) != file.sha256):
            raise HubError(
                f"{file.path} of {model.name} is gone or was changed since.", hint="Give its folder with --model."
            )
    return folder


def _hash(path: Path, file: HubFile) -> str:
    with path.open("rb") as f:
        if file.sha256 is not None:
            return hashlib.file_digest(f, "sha256").hexdigest()
        return hashlib.file_digest(f, lambda: hashlib.sha1(f"blob {file.size}\0".encode())).hexdigest()
