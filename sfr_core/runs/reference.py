"""A network that somebody retrained of their own classifier, as what a run is compared with. Importing this module imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sfr_core.cancel import CancelToken
from sfr_core.catalog.retrain import RETRAIN
from sfr_core.errors import ConfigError, quoted
from sfr_core.plan import RunPlan
from sfr_core.runs.files import WEIGHTS, read_config, read_result
from sfr_core.zoo.recognition import Recognised
from sfr_core.zoo.shipped import Brought
from sfr_core.zoo.state_dicts import run_of

if TYPE_CHECKING:
    from sfr_core.runs.session import Retrained


def read_reference(
    path: Path, own: Brought, run: RunPlan, cancel: CancelToken | None = None
) -> tuple[Retrained, Recognised]:
    """Reads and checks it.

    Args:
        path: a safetensors file, or the folder of a run that retrained.
        own: the classifier that forgets. run: what is compared. cancel: as UploadedModel.read_other.

    Returns:
        The network, and what it recognises of the training pictures.

    Raises:
        InputError: weights of another network, with NaN, or of a run that did not retrain without this forget set. Stopped: `cancel`.
    """
    passes = None
    if path.is_dir():
        config = read_config(path)
        _check(f"The run in {path}", config.method, config.forget, run)
        passes, path = read_result(path).passes, path / WEIGHTS
    about = run_of(path)
    if about:
        _check(f"The run of {path.name}", about.get("method"), about.get("forget"), run)
    from sfr_core.runs.session import Retrained

    weights, known = own.read_other(path, cancel)
    return Retrained(weights, passes=passes), known


def _check(which: str, method: object, forget: object, run: RunPlan) -> None:
    wanted = run.config.forget
    if (method, forget) != (RETRAIN, wanted):
        raise ConfigError(
            f"{which} is {quoted(method)} without {quoted(forget)}, not retrain without {quoted(wanted)}.",
            hint="Give the network that was retrained without this very forget set.",
        )
