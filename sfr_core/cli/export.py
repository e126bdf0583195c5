"""The command `export`: what a stored run made of its model, as one state dict or as a folder of diffusers. torch is imported only then."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from sfr_core.cli.talk import log
from sfr_core.configs import RunConfig
from sfr_core.errors import AssetError, InputError, RunError, UnknownName
from sfr_core.hub.open import opened_generator
from sfr_core.kinds import KINDS
from sfr_core.kinds.base import Kind
from sfr_core.nets.pipelines import quiet
from sfr_core.runs.files import WEIGHTS, Form, is_whole, read_config, read_weights, whole_file
from sfr_core.runs.place import check_folder
from sfr_core.zoo import shipped as zoo
from sfr_core.zoo.cards import ModelCard

if TYPE_CHECKING:
    from torch import Tensor, nn

SUFFIX = ".safetensors"
SAMPLER = "scheduler_config.json"
"""Of a lone U-Net's folder, what diffusers does not write beside the network."""


def add_export(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds the command to the parser's."""
    export = commands.add_parser(
        "export",
        help="write the unlearned model of a run as one file, or as a diffusers folder",
        description="Writes the model that a run left, whole: as a state dict in safetensors, or of a generator as a folder that diffusers opens.",
    )
    export.add_argument("run", type=Path, metavar="DIR", help="folder of a run, as `run --out DIR` wrote it")
    export.add_argument("--as", dest="form", required=True, metavar="|".join(get_args(Form)), help="what is written")
    export.add_argument("--out", type=Path, required=True, metavar="PATH", help="a .safetensors file, or a folder")
    export.add_argument("--overwrite", action="store_true", help="replace what is there")
    export.set_defaults(command=_export)


def _export(args: argparse.Namespace) -> int:
    if args.form not in get_args(Form):
        raise UnknownName("form", args.form, get_args(Form))
    config, changed = read_config(args.run), read_weights(args.run)
    out: Path = args.out
    if args.form == "state-dict":
        _check_file(out, overwrite=args.overwrite)
        tensors = changed if is_whole(args.run) else _laid_over(config, changed)
        _write_file(out, tensors)
    else:
        check_folder(out, overwrite=args.overwrite)
        _write_folder(out, config, changed)
    log(f"The unlearned model is in {out}.")
    return 0


def _check_file(out: Path, *, overwrite: bool) -> None:
    if out.suffix != SUFFIX:
        raise InputError(f"A state dict needs a name that ends in {SUFFIX}.", hint=f"Write --out {out.name}{SUFFIX}.")
    if out.exists() and not (overwrite and out.is_file()):
        raise InputError(f"{out} is there already.", hint="Choose another name, or add --overwrite.")


def _opened(config: RunConfig) -> tuple[ModelCard, Kind]:
    """The card of a run's model, fetched where it is one of the Hub; not of a classifier that somebody brought."""
    if config.model.startswith(zoo.OWN):
        raise InputError(
            f"This {WEIGHTS} holds only what the run changed of a classifier of your own.",
            hint="Run it again: newer files hold the whole network.",
        )
    card = opened_generator(config.model) if config.model.startswith((zoo.HUB, zoo.LOCAL)) else zoo.card(config.model)
    return card, KINDS[card.kind]


def _laid_over(config: RunConfig, changed: dict[str, Tensor]) -> dict[str, Tensor]:
    """All tensors of the network that forgot."""
    card, _ = _opened(config)
    return _with(zoo.open_model(card), changed).state_dict()


def _with(network: nn.Module, changed: dict[str, Tensor]) -> nn.Module:
    zoo.load_tensors(network, {**network.state_dict(), **changed}, name=WEIGHTS)
    return network


def _write_file(out: Path, tensors: dict[str, Tensor]) -> None:
    from safetensors.torch import save

    data = save({name: tensor.contiguous() for name, tensor in tensors.items()}, metadata={"format": "pt"})
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(out) as file:
            file.write(data)
    except OSError as error:
        raise RunError(f"{out} could not be written ({error}).", hint="Free some space and try again.") from None


def _write_folder(out: Path, config: RunConfig, changed: dict[str, Tensor]) -> None:
    if config.model.startswith(zoo.OWN):
        raise _no_pipeline()
    card, kind = _opened(config)
    if not kind.draws:
        raise _no_pipeline()
    opened = zoo.open_whole(card)  # a pipeline, or a U-Net that draws by itself
    _with(opened if kind.pipeline is None else getattr(opened, kind.pipeline.trained), changed)
    out = out.resolve()
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        with quiet():
            opened.save_pretrained(temporary / out.name, safe_serialization=True)
        if kind.pipeline is None:
            shutil.copyfile(card.folder / SAMPLER, temporary / out.name / SAMPLER)
        if out.exists():
            shutil.rmtree(out)
        (temporary / out.name).rename(out)
    except OSError as error:
        raise RunError(f"{out} could not be written ({error}).", hint="Free some space and try again.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _no_pipeline() -> AssetError:
    return AssetError("A classifier is no pipeline of diffusers.", hint="Write it with --as state-dict.")
