"""Which model the options of the command line name: a shipped one, one of one's own, or one of the Hub. No torch."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sfr_core.catalog.retrain import RETRAIN
from sfr_core.errors import ConfigError, InputError
from sfr_core.hub.local import is_here
from sfr_core.hub.open import open_for_run
from sfr_core.metrics.intervals import knows
from sfr_core.metrics.thresholds import LITTLE
from sfr_core.nets.named import as_in_run, read_architecture
from sfr_core.runs.files import WEIGHTS
from sfr_core.zoo.cards import ModelCard
from sfr_core.zoo.shipped import HUB, LOCAL

CHECK = "Check class_order (or classes), mean, std, size, crop and background of --architecture"

if TYPE_CHECKING:
    from sfr_core.plan import RunPlan
    from sfr_core.runs.session import Retrained
    from sfr_core.zoo.uploaded import UploadedModel


def uploaded_model(
    args: argparse.Namespace, wanted: dict[str, Any], *, say: Callable[[str], None]
) -> UploadedModel | None:
    """The classifier that a person brought or fetched, with its pictures; None where the zoo has the model.

    Args:
        args: options `data`, `weights` and `architecture`.
        wanted: fields of a RunConfig; the model of the Hub in it is replaced by its pinned identifier.
        say: takes a line for people.

    Raises:
        InputError: options that contradict each other, or a model that cannot be opened.
    """
    given = {name: getattr(args, name) for name in ("data", "weights", "architecture")}
    text = str(wanted["model"])
    if text.startswith(HUB) or is_here(text):
        return _of_hub(wanted, given, say, args.model)
    is_own = str(wanted["model"]).startswith("own:")
    if not any(given.values()):
        if is_own:
            raise ConfigError(
                "This run used a classifier of your own.", hint="Add --data, --weights and --architecture."
            )
        return None
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise ConfigError(
            f"--{missing[0]} is missing.", hint="A classifier of your own needs --data, --weights and --architecture."
        )
    if not is_own:
        raise ConfigError(
            f"--data contradicts the model '{wanted['model']}'.", hint="Leave --model out for a classifier of your own."
        )
    from sfr_core.zoo.uploaded import open_uploaded

    shape = read_architecture(given["architecture"])
    if (repeats := wanted.get("reading")) is not None:
        say(repeats.said())
        shape = as_in_run(shape, repeats, said=True)
    own = open_uploaded(given["data"], _weights(Path(given["weights"])), shape)
    if wanted["model"] not in {"own:", own.card.id}:
        raise ConfigError(
            f"{given['weights']} is {own.card.id}, but the run used {wanted['model']}.",
            hint="Give the weights that the run began with.",
        )
    return own


def tell_known(own: UploadedModel, method: str, *, say: Callable[[str], None], anyway: bool) -> None:
    """Says how the pictures were read and how many of them the classifier recognises.

    Args:
        method: that the run takes; retraining needs no network that knows anything. anyway: refuse nothing.

    Raises:
        InputError: it hardly recognises its training pictures.
    """
    for note in own.dataset.notes:
        say(note)
    known = own.recognised
    said = f"recognises {known.share:.0f} % of its training pictures ({known.n:,} looked at, {known.classes:,} classes)"
    if method != RETRAIN and not anyway and not knows(known.share, known.n, known.classes):
        raise InputError(f"The network {said}, hardly more than a guess.", hint=f"{CHECK}, or add --anyway.")
    say(f"The network {said}." + (f" {CHECK}." if known.share < LITTLE else ""))


def own_reference(path: Path, own: UploadedModel | None, planned: RunPlan, *, say: Callable[[str], None]) -> Retrained:
    """As runs.reference.read_reference, for the option `--retrained`.

    Raises:
        InputError: as there, or no classifier of one's own.
    """
    if own is None:
        raise ConfigError(
            "--retrained needs a classifier of your own.", hint="Leave it out; shipped models bring theirs."
        )
    from sfr_core.runs.reference import read_reference

    retrained, known = read_reference(path, own, planned)
    say(known.of_retrained())
    return retrained


def _weights(path: Path) -> Path:
    """The file of `--weights`, which may name the folder of a run to go on from."""
    return path / WEIGHTS if path.is_dir() else path


def _of_hub(
    wanted: dict[str, Any], given: dict[str, Any], say: Callable[[str], None], folder: str | None
) -> UploadedModel | None:
    """A model of the Hub, or a pipeline's folder: its pinned identifier goes into `wanted`; a classifier is opened with its pictures.

    Args:
        folder: of a run that is repeated, where its pipeline lies now (--model).
    """
    if given["weights"]:
        raise ConfigError("--weights contradicts a model of the Hub.", hint="Leave out one of the two.")
    asked = wanted["model"]
    opened = open_for_run(
        folder or asked, data=given["data"], architecture=given["architecture"], say=say, repeats=wanted.get("reading")
    )
    wanted["model"] = opened.id if isinstance(opened, ModelCard) else opened.card.id
    if asked.startswith(LOCAL) and wanted["model"] != asked:
        raise ConfigError(
            f"{folder} is {wanted['model']}, but the run used {asked}.",
            hint="Give the pipeline that the run began with.",
        )
    return None if isinstance(opened, ModelCard) else opened
