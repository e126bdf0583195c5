"""A CLIP of the Hub, which scores how well pictures and prompts agree: looked up, downloaded and checked like every model."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sfr_core.errors import HubError
from sfr_core.hub.fetch import fetch, missing_bytes
from sfr_core.hub.files import Part
from sfr_core.hub.memory import in_words
from sfr_core.hub.names import read_name
from sfr_core.hub.resolve import HubModel, listing, pin, recall
from sfr_core.zoo.shipped import HUB

if TYPE_CHECKING:
    import torch

    from sfr_core.metrics.agreement import Clip

CLIP = "hub:openai/clip-vit-large-patch14@32bd64288804d66eefd0ccbe215aa642df71cc41"
"""What is taken where nobody names another; openai/clip-vit-base-patch32, which is smaller, has only pickles."""
CLIP_BYTES = 1_714_000_000
"""What is downloaded of it, about, and what its weights take of memory: 428 million parameters of 4 bytes."""
CLIP_LICENCE = "its repository states none; OpenAI's code of CLIP is under MIT"
"""As it was when this revision was chosen; `look_up_clip` asks again."""
SWITCH = "PLAYGROUND_CLIP"
"""Environment variable: the folder of a CLIP that a page takes instead."""
WEIGHTS = "model.safetensors"
BESIDE = (
    "config.json", "preprocessor_config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json", "vocab.json", "merges.txt",
    "special_tokens_map.json",
)  # fmt: skip


def clip_folder(text: str) -> tuple[Path, str]:
    """Where a CLIP lies, and its name for a record: the commit on the Hub, or the folder's own name.

    Args:
        text: `hub:OWNER/NAME@REVISION`, fetched where it is not here yet, or a folder.

    Raises:
        HubError: unknown, gated or unreachable, or a repository without safetensors of one model.
    """
    if not text.startswith(HUB):
        return Path(text), Path(text).name
    model = look_up_clip(text)
    return fetch(model), f"{HUB}{model.name.repo}@{model.name.revision}"


def open_clip(text: str, device: torch.device) -> tuple[Clip, str]:
    """As `clip_folder`, and opens it on `device`.

    Raises:
        HubError: as `clip_folder`, or too little free memory. AssetError: no CLIP, or not all of its weights.
    """
    from sfr_core.metrics.agreement import Clip
    from sfr_core.ops.device import free_bytes

    folder, name = clip_folder(text)
    need, free = sum(file.stat().st_size for file in folder.glob("*.safetensors")), free_bytes(device)
    if need > free:
        raise HubError(
            f"The CLIP takes about {in_words(need)} of memory, and {in_words(free)} are free.",
            hint="Wait for other runs to end, or use a machine with more memory.",
        )
    return Clip(folder, device), name


def chosen_clip() -> str:
    """What a page asks: the folder that its owner set, else CLIP."""
    return os.environ.get(SWITCH, "").strip() or CLIP


def clip_here(text: str) -> bool:
    """Whether `clip_folder` needs no network: a folder, or a commit that was fetched and whose files are still there."""
    if not text.startswith(HUB):
        return True
    noted = recall(replace(read_name(text), file=WEIGHTS))
    return noted is not None and not missing_bytes(noted)


def look_up_clip(text: str) -> HubModel:
    """Looks a CLIP of the Hub up and downloads nothing.

    Raises:
        HubError: as `clip_folder`.
    """
    name = read_name(text)
    pinned = replace(pin(name), file=WEIGHTS)  # what is noted of it stands apart from a model that forgets
    noted = recall(pinned)
    if noted is not None:
        return noted
    files, licence, gated = listing(pinned)
    by_path = {file.path: file for file in files}
    if WEIGHTS not in by_path:
        raise HubError(
            f"{name.repo} holds no {WEIGHTS} at this revision; pickles are never read here.",
            hint=f"Choose another, for example {CLIP}",
        )
    part = Part("", (by_path[WEIGHTS],), tuple(by_path[path] for path in BESIDE if path in by_path))
    return HubModel(
        name=pinned, kind="clip", trained="", parts=(part,), root=(), licence=licence, gated=gated, config={}
    )
