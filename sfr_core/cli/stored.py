"""A stored run's configuration as this machine can use it."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from sfr_core.cli.talk import log
from sfr_core.configs import RunConfig
from sfr_core.data.datasets import Dataset
from sfr_core.data.file_names import check_table
from sfr_core.errors import AssetError
from sfr_core.plan import ForgetPlan
from sfr_core.reading import text_of
from sfr_core.runs.files import ROWS, read_config, read_result

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


def check_rows(path: Path, dataset: Dataset, run: ForgetPlan) -> None:
    """Refuses to repeat a run whose forgotten rows are other files now, where its folder says which they were.

    Args:
        path: config.json of the run that is repeated, or its folder. dataset: the pictures as they are now. run: what is forgotten.

    Raises:
        SpecError: a row is another file.
    """
    table = (path if path.is_dir() else path.parent) / ROWS
    if dataset.files is not None and not run.spec.classes and table.is_file():
        try:
            check_table(text_of(table), dataset, run.rows)
        except (OSError, ValueError):
            log(f"{table} cannot be read, so nobody knows whether the pictures are still the same.")


def _torch_of(folder: Path) -> str | None:
    """The version of torch that the run in a folder used, without the build after "+"; None where its result is not there."""
    try:
        return read_result(folder).versions.get("torch", "").partition("+")[0] or None
    except AssetError:
        return None
