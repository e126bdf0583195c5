"""Which files of a repository a model needs: safetensors, configs and vocabularies, and nothing else. How small ones are written."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

from sfr_core.errors import HubError, quoted
from sfr_core.nets.pipelines import OPTIONAL, VARIANT, lists

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
"""Endings of files that may hold a pickle; only `convert` reads one, and only as tensors."""
ROOT = ("model_index.json", "config.json")
LIBRARIES = {"diffusers", "transformers", "stable_diffusion"}
"""Where a pipeline's parts may come from; anything else would be code of the repository's own."""
CHOOSERS, PLAIN = "Auto", "Autoencoder"
"""How classes begin that pick another class by a config, be it the repository's own code; and those that only look like them."""
STEMS = ("diffusion_pytorch_model", "model")
"""Names of weights files in a part's folder, without their ending."""
WEIGHTLESS = re.compile(r"(Scheduler|Tokenizer|FeatureExtractor|Processor)(Fast)?$")
"""Classes of parts that have configs and vocabularies alone."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a repository.

    Attributes:
        path: inside the repository.
        size: bytes.
        sha256: of the content, for large files; None where the Hub keeps the file in git itself.
        blob: git's name of the content (sha1 over a header and the content) where `sha256` is None.
    """

    path: str
    size: int
    sha256: str | None
    blob: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a model: its folder ("" for a classifier's root), its weights and the files beside them.

    Attributes:
        pickled: the weights are pickles, which have to be converted first.
    """

    name: str
    weights: tuple[HubFile, ...]
    others: tuple[HubFile, ...]
    pickled: bool = False


def pipeline_parts(index: Mapping[str, Any], files: Sequence[HubFile]) -> tuple[Part, ...]:
    """The parts that a model_index.json names, with their files; optional ones only where they are there.

    Raises:
        HubError: a part comes from a library that is not known here, or a config would choose its class.
    """
    parts = []
    for name, made_of in index.items():
        if name.startswith("_") or not lists(made_of):
            continue
        if made_of[0] not in LIBRARIES:
            raise HubError(
                f"The part '{quoted(name)}' needs code of its own ({quoted(made_of[0])}), which is never run here.",
                hint="Choose a pipeline made of the parts of diffusers and transformers.",
            )
        if str(made_of[1]).startswith(CHOOSERS) and not str(made_of[1]).startswith(PLAIN):
            raise HubError(
                f"The part '{quoted(name)}' may need code of its own ({quoted(made_of[1])}), which is never run here.",
                hint="Choose a pipeline whose model_index.json names its classes.",
            )
        inside = [f for f in files if str(PurePosixPath(f.path).parent) == name]
        others = tuple(f for f in inside if f.path.endswith((".json", ".txt", ".model")) and ".index." not in f.path)
        weights = _safetensors(name, inside)
        pickles = () if weights else _pickles(name, inside)
        part = Part(name, weights or pickles, others, pickled=bool(pickles))
        if name not in OPTIONAL or not _lacks(part, index):
            parts.append(part)
    return tuple(parts)


def _lacks(part: Part, index: Mapping[str, Any]) -> str:
    """What a listed part does not have and cannot be opened without; "" where it is whole."""
    if WEIGHTLESS.search(str(index[part.name][1])):
        return "" if part.others else "files"
    return "" if part.weights else "weights"


def check_whole(parts: Sequence[Part], index: Mapping[str, Any]) -> None:
    """Refuses a pipeline that lists parts which are not there.

    Raises:
        HubError: names the first of them.
    """
    for part in parts:
        if lacking := _lacks(part, index):
            raise HubError(
                f"The pipeline lists '{part.name}' but holds no {lacking} of it.",
                hint="Choose another revision or a whole copy of the model.",
            )


def classifier_part(files: Sequence[HubFile], file: str = "") -> Part:
    """A classifier's weights in the repository's root.

    Args:
        file: their name, where there are several.

    Raises:
        HubError: none, or several to choose from.
    """
    root = [f for f in files if "/" not in f.path]
    usual = {"model.safetensors": 0, "pytorch_model.bin": 1}
    safe = [f for f in root if f.path.endswith(".safetensors")]
    found = [f for f in root if f.path == file] if file else safe or [f for f in root if f.path.endswith(PICKLES)]
    if len(found) > 1:
        found = sorted((f for f in found if f.path in usual), key=lambda f: usual[f.path])[:1] or found
    if len(found) != 1:
        names = ", ".join(f.path for f in root if f.path.endswith((".safetensors", *PICKLES))) or "none"
        raise HubError(
            f"It is not clear which file holds the weights (there: {names}).",
            hint="Name one after the revision, as in hub:OWNER/NAME@main#FILE.",
        )
    return Part("", (found[0],), (), pickled=not found[0].path.endswith(".safetensors"))


def _safetensors(folder: str, inside: Sequence[HubFile]) -> tuple[HubFile, ...]:
    """The file of full precision or its shards with their index; of half precision where there is no other."""
    for variant in ("", f".{VARIANT}"):
        for stem in STEMS:
            single = [f for f in inside if f.path == f"{folder}/{stem}{variant}.safetensors"]
            index = [f for f in inside if f.path == f"{folder}/{stem}.safetensors.index{variant}.json"]
            start = f"{folder}/{stem}{variant}-0"
            shards = [f for f in inside if f.path.startswith(start) and f.path.endswith(".safetensors")]
            if single or (index and shards):
                return tuple(single or index + shards)
    return ()


def _pickles(folder: str, inside: Sequence[HubFile]) -> tuple[HubFile, ...]:
    """The same of pickles, which come in one file."""
    for variant in ("", f".{VARIANT}"):
        names = {f"{folder}/{stem}{variant}.bin" for stem in ("diffusion_pytorch_model", "pytorch_model")}
        if found := tuple(f for f in inside if f.path in names):
            return found
    return ()


def write_whole(path: Path, text: str) -> None:
    """Puts a text file there in one move: a launcher starts several processes on the same model, which may all write it now."""
    temporary = path.with_name(f".{path.name}.{uuid4().hex}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
