"""Safetensors of a revision that only has pickles, made once on the user's own machine.

A pickle is a program. It is read here with `weights_only=True`, which builds tensors and plain containers and refuses
everything else, and nowhere else in this program.
"""

from __future__ import annotations

import pickle
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from sfr_core.errors import HubError, reason
from sfr_core.hub.fetch import converted_folder, fetch_files
from sfr_core.hub.files import HubFile, Part
from sfr_core.hub.headers import refuse_no_model
from sfr_core.hub.resolve import HubModel, own_folder, remember, resolve
from sfr_core.nets.pipelines import sha256_of
from sfr_core.zoo.state_dicts import PREFIXES, WRAPPERS, bare_names

if TYPE_CHECKING:
    from torch import Tensor

WRAPPED = ("state_dict", "model_state_dict", "model", "net")
"""Names under which training scripts keep the weights in a checkpoint."""


def convert(text: str) -> HubModel:
    """Downloads a revision's pickles, reads them as tensors and writes safetensors beside the Hub's cache.

    From then on `resolve` and `fetch` give the converted files for this commit. They appear whole or not at all.

    Args:
        text: see `resolve`.

    Returns:
        The model as it can be opened now.

    Raises:
        HubError: as `resolve` and `fetch`; nothing to convert; or a pickle that holds more than tensors.
    """
    model = resolve(text, known=False)
    if not model.pickles:
        raise HubError(f"{model.name.repo} has safetensors already.", hint=f"Use it: --model {model.id}")
    source = fetch_files(model.name, model.files)
    target = converted_folder(model.name)
    own_folder(model.name).mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".converting.", dir=own_folder(model.name)))
    try:
        parts = tuple(_convert_part(model, part, source, temporary) for part in model.parts)
        for small in model.root:
            _copy(small, source, temporary)
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    except OSError as error:
        raise HubError(
            f"The converted files could not be written ({reason(error)}).", hint="Free some space."
        ) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    done = replace(model, parts=parts, converted=True)
    remember(done)
    return done


def _convert_part(model: HubModel, part: Part, source: Path, target: Path) -> Part:
    for file in part.others if part.pickled else (*part.others, *part.weights):
        _copy(file, source, target)
    if not part.pickled:
        return part
    from safetensors.torch import save_file

    weights = []
    for file in part.weights:
        path = _new_path(file.path)
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        save_file(_tensors(model, source / file.path), target / path, metadata={"format": "pt"})
        weights.append(HubFile(path, (target / path).stat().st_size, sha256_of(target / path), ""))
    return Part(part.name, tuple(weights), part.others)


def _new_path(path: str) -> str:
    """The name under which diffusers, transformers and this program look for a part's weights."""
    old = PurePosixPath(path)
    stem = "diffusion_pytorch_model" if old.stem.startswith("diffusion_pytorch_model") else "model"
    return str(old.with_name(f"{stem}.safetensors"))


def _tensors(model: HubModel, path: Path) -> dict[str, Tensor]:
    """The state dict in a checkpoint, each tensor in memory of its own.

    Raises:
        HubError: more than tensors in it, or no state dict.
    """
    import torch

    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError) as error:
        raise HubError(
            f"{path.name} of {model.name.repo} is no plain file of tensors, so it is not read ({reason(error)}).",
            hint="Choose a revision with safetensors.",
        ) from None
    for name in WRAPPED:
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
    if not isinstance(found, Mapping) or not found or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise HubError(f"{path.name} of {model.name.repo} holds no state dict.", hint="Choose another file.")
    if not model.trained:
        refuse_no_model(f"{path.name} of {model.name.repo}", map(str, found))
    names = bare_names((str(name) for name in found), PREFIXES if model.kind == "classifier" else WRAPPERS)
    return {names[str(name)]: value.detach().clone().contiguous() for name, value in found.items()}


def _copy(file: HubFile, source: Path, target: Path) -> None:
    (target / file.path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source / file.path, target / file.path)
