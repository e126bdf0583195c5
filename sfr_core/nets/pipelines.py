"""Opening diffusers pipelines from a folder, by the very path that a model of the Hub takes, once every weight file is checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sfr_core.errors import AssetError, reason
from sfr_core.kinds import pipeline_of
from sfr_core.reading import text_of

INDEX = "model_index.json"
SCHEDULER = "scheduler/scheduler_config.json"
HINT = "Fetch its files again; only safetensors of a pipeline's own layout are opened."
VARIANT = "fp16"
"""What stands in the names of half-precision weights, which some pipelines have alone."""
CHECKER = "safety_checker"
OPTIONAL = (CHECKER, "feature_extractor", "image_encoder")
"""Parts that a pipeline may list without having them: it is then opened without."""


def open_pipeline(folder: Path, kind: str, files: Mapping[str, str]) -> Any:
    """The pipeline of a folder, on the CPU, in float32 and in eval mode; draws from no generator.

    Args:
        folder: as diffusers' `save_pretrained` writes it.
        kind: ModelCard.kind of a model that comes as a pipeline.
        files: sha256 of every weight file, by its path in the folder.

    Raises:
        AssetError: a file is missing, damaged, not listed or no safetensors; or it is not such a pipeline.
    """
    index = read_index(folder, kind)
    check_files(folder, index, files)
    import diffusers
    import torch

    try:
        with torch.random.fork_rng(devices=[]), quiet():
            pipeline: Any = getattr(diffusers, pipeline_of(kind).name).from_pretrained(
                folder, local_files_only=True, use_safetensors=True, variant=_variant(files), **_without(folder, index)
            )
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, ImportError) as error:
        raise AssetError(f"The pipeline {folder} cannot be opened ({reason(error)}).", hint=HINT) from None
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.float().eval()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and no advice of the libraries: stderr belongs to the program."""
    from diffusers.utils import logging as of_diffusers
    from transformers.utils import logging as of_transformers

    libraries: tuple[Any, ...] = (of_diffusers, of_transformers)
    before = [(library.get_verbosity(), library.is_progress_bar_enabled()) for library in libraries]
    for library in libraries:
        library.set_verbosity_error()
        library.disable_progress_bar()
    try:
        yield
    finally:
        for library, (verbosity, bars) in zip(libraries, before, strict=True):
            library.set_verbosity(verbosity)
            if bars:
                library.enable_progress_bar()


def read_index(folder: Path, kind: str) -> dict[str, Any]:
    """The model_index.json of a folder.

    Raises:
        AssetError: missing, damaged, or of another pipeline than `kind`'s.
    """
    index = read_json(folder / INDEX)
    name = pipeline_of(kind).name
    if index.get("_class_name") != name:
        raise AssetError(f"{folder / INDEX} describes no {name}.", hint=HINT)
    return index


def read_json(path: Path, hint: str = HINT) -> dict[str, Any]:
    """A JSON file that holds a table.

    Raises:
        AssetError: missing, not JSON or no table.
    """
    try:
        data = json.loads(text_of(path))
        if not isinstance(data, dict):
            raise ValueError("not a table")
    except (OSError, ValueError) as error:
        raise AssetError(f"{path} cannot be read ({reason(error)}).", hint=hint) from None
    return data


def check_files(folder: Path, index: Mapping[str, Any], files: Mapping[str, str]) -> None:
    """Refuses a folder whose weights are not exactly the listed ones.

    Raises:
        AssetError: a file is missing, has another hash, or lies there without being listed.
    """
    for name, sha256 in files.items():
        try:
            found = sha256_of(folder / name)
        except OSError:
            raise AssetError(f"The weights file {folder / name} is missing.", hint=HINT) from None
        if found != sha256:
            raise AssetError(f"The weights file {folder / name} is damaged: its sha256 is not the card's.", hint=HINT)
    for part in index:
        for path in sorted((folder / part).glob("*.safetensors")):
            if path.relative_to(folder).as_posix() not in files:
                raise AssetError(f"The card does not list the weights file {path}.", hint=HINT)


def sha256_of(path: Path) -> str:
    """Of a file, read in pieces.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_schedule(path: Path) -> None:
    """Refuses the configuration of a sampler with another noise schedule than ours (ops/diffusion.py).

    Raises:
        AssetError: missing, damaged or of a sampler that is not ours.
    """
    from sfr_core.ops.diffusion import BETA_FIRST, BETA_LAST, STEPS

    noise = {"prediction_type": "epsilon", **read_json(path)}  # what diffusers takes where old files say nothing
    ours = {
        "num_train_timesteps": STEPS, "beta_start": BETA_FIRST, "beta_end": BETA_LAST, "beta_schedule": "linear",
        "prediction_type": "epsilon",
    }  # fmt: skip
    for key, value in ours.items():
        if noise.get(key) != value:
            raise AssetError(f"The sampler of {path.parent} has another {key} than this program ({value}).", hint=HINT)


def check_length(path: Path) -> None:
    """Refuses the configuration of a sampler that our own cannot follow: another number of steps, or an end that is pure noise.

    Raises:
        AssetError: missing, damaged or of such a sampler.
    """
    from sfr_core.ops.diffusion import STEPS

    noise = {"prediction_type": "epsilon", "num_train_timesteps": STEPS, **read_json(path)}
    if noise["num_train_timesteps"] != STEPS:
        raise AssetError(f"The sampler of {path.parent} has not {STEPS} steps.", hint="Choose another model.")
    if noise["prediction_type"] not in ("epsilon", "v_prediction") or noise.get("rescale_betas_zero_snr"):
        raise AssetError(
            f"The sampler of {path.parent} predicts neither noise nor velocity, or ends in pure noise.",
            hint="Choose another model.",
        )


def class_names(index: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the classes 0, 1, ... of a DiTPipeline, from its `id2label`.

    A label may hold several names ("tench, Tinca tinca"): the first one counts, and where two classes share it, the number of
    the class follows.

    Raises:
        AssetError: no labels, or labels with gaps.
    """
    labels = index.get("id2label")
    try:
        if not isinstance(labels, dict) or not labels:
            raise KeyError("id2label")
        names = [str(labels[str(i)]).split(",")[0].strip() for i in range(len(labels))]
    except KeyError as error:
        raise AssetError(f"The pipeline does not name its classes ({reason(error)}).", hint=HINT) from None
    folded = [name.casefold() for name in names]
    return tuple(name if folded.count(name.casefold()) == 1 else f"{name} {i}" for i, name in enumerate(names))


def picture_side(folder: Path, kind: str) -> int:
    """Height and width of the pipeline's pictures, pixels, from its configuration files alone.

    Raises:
        AssetError: they are missing or say nothing of it.
    """
    network = read_json(folder / pipeline_of(kind).trained / "config.json")
    autoencoder = read_json(folder / "vae" / "config.json")
    blocks = autoencoder.get("block_out_channels") or autoencoder.get("decoder_block_out_channels")
    try:
        return int(network["sample_size"]) * int(2 ** (len(blocks or ()) - 1))
    except (KeyError, TypeError, ValueError):
        raise AssetError(f"The pipeline {folder} does not tell the size of its pictures.", hint=HINT) from None


def _variant(files: Mapping[str, str]) -> str | None:
    """Which weights diffusers shall look for; a part without such takes its others."""
    return VARIANT if any(f".{VARIANT}" in Path(name).name for name in files) else None


def _without(folder: Path, index: Mapping[str, Any]) -> dict[str, Any]:
    """Optional parts that the folder does not hold must not be looked for."""
    return {name: None for name in OPTIONAL if name in index and not (lists(index[name]) and (folder / name).is_dir())}


def lists(part: Any) -> bool:
    """Whether an entry of a model_index.json names a part: its library and its class."""
    return isinstance(part, list) and len(part) == 2 and all(part)
