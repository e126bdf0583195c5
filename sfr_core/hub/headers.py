"""What a weights file tells before it is read: its tensors by name, and whether it is a model at all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path

from sfr_core.errors import HubError
from sfr_core.hub.names import HubName, clear_errors

IN_ONE_FILE = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.")
"""How the names of tensors begin in a checkpoint of Stable Diffusion in one file (of CompVis, AUTOMATIC1111 and others)."""
LORA = re.compile(r"(^|[._])lora[._](up|down|unet|te\d*|A|B|embedding)")
LORA_FILES = {"pytorch_lora_weights.safetensors", "adapter_config.json"}
"""Files beside which no model is needed to know a LoRA; the second lies beside models of transformers too."""
LARGE = 10**9
"""Bytes above which a `.ckpt` is no classifier's."""


def local_header(path: Path) -> dict[str, int]:
    """Elements of every tensor in a safetensors file, by name.

    Raises:
        HubError: damaged.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "numpy") as f:
            return {name: math.prod(f.get_slice(name).get_shape()) for name in f.keys()}  # noqa: SIM118
    except (SafetensorError, OSError):
        raise HubError(f"{path.name} is damaged.", hint="Remove it and download it again.") from None


def remote_header(name: HubName, path: str) -> dict[str, int]:
    """The same of a file on the Hub, of which nothing else is downloaded.

    Raises:
        HubError: unreachable or damaged.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import SafetensorsParsingError

    try:
        with clear_errors(name):
            found = HfApi().parse_safetensors_file_metadata(name.repo, path, revision=name.revision)
    except SafetensorsParsingError:
        raise HubError(f"{path} of {name.repo} is damaged.", hint="Choose another revision.") from None
    return {key: tensor.parameter_count for key, tensor in found.tensors.items()}


def refuse_no_model(file: str, tensors: Iterable[str]) -> None:
    """Refuses weights that are no model by themselves.

    Args:
        file: how the sentence calls the file. tensors: their names.

    Raises:
        HubError: says what it is and what can be done with it.
    """
    names = list(tensors)
    if any(LORA.search(name) for name in names):
        raise a_lora(file)
    if any(name.startswith(IN_ONE_FILE) for name in names):
        raise a_checkpoint(file)


def a_lora(file: str) -> HubError:
    """The error that names a LoRA."""
    return HubError(
        f"{file} is a LoRA: it changes a model and is none itself.",
        hint="Put it into its pipeline once, by load_lora_weights, fuse_lora and save_pretrained of diffusers, then give that folder with --model.",
    )


def a_checkpoint(file: str) -> HubError:
    """The error that names a checkpoint in one file."""
    return HubError(
        f"{file} is a checkpoint of Stable Diffusion in one file, which is not opened here.",
        hint="Make a folder of it once, by StableDiffusionPipeline.from_single_file(FILE).save_pretrained(FOLDER) of diffusers, then give "
        "that folder with --model.",
    )
