"""A stored run's configuration as this machine can use it."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from sfr_core.cli.talk import log
from sfr_core.configs import RunConfig
from sfr_core.errors import AssetError
from sfr_core.runs.files import read_config, read_result

NO_GPU = "This run used a GPU and this machine has none, so it goes on here on the CPU."
OTHER_WEIGHTS = "The weights will differ a little from the stored ones."


def usable(config: RunConfig) -> RunConfig:
    """The config, on the CPU where it asks for a GPU that is not there; says so."""
    if config.device != "cuda":
        return config
    from sfr_core.ops.device import has_gpu

    if has_gpu():
        return config
    log(NO_GPU)
    return replace(config, device="cpu")


def to_repeat(path: Path) -> RunConfig:
    """The run of a config.json, to be made again; says where the weights cannot be the same to the last bit.

    Raises:
        ConfigError: missing, not JSON, or not a run's configuration. UnknownName: a field that does not exist.
    """
    stored = read_config(path)
    config = usable(stored)
    if config != stored:
        log(OTHER_WEIGHTS)
        return config
    here, there = version("torch"), _torch_of(path if path.is_dir() else path.parent)
    if there is not None and there != here:
        log(f"That run used torch {there} and here is torch {here}. {OTHER_WEIGHTS}")
    return config


def _torch_of(folder: Path) -> str | None:
    """The version of torch that the run in a folder used, without the build after "+"; None where its result is not there."""
    try:
        return read_result(folder).versions.get("torch", "").partition("+")[0] or None
    except AssetError:
        return None
