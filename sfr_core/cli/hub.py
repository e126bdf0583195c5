"""The commands `hub` and `convert` of the command line: what there is, what a model would take, and safetensors of pickles."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from sfr_core.cli.talk import answer
from sfr_core.hub.convert import convert
from sfr_core.hub.describe import SMALL, Description, describe
from sfr_core.hub.local import look_up_here
from sfr_core.hub.offers import OFFERS


def add_commands(commands: argparse._SubParsersAction[Any]) -> None:
    """Adds both to the parser's commands."""
    hub = commands.add_parser(
        "hub",
        help="look at a model of the Hugging Face Hub without downloading it, or at a pipeline in a folder",
        description="Prints kind, licence, size and needed memory of a model on the Hub; without a name, the offers.",
    )
    hub.add_argument(
        "name", nargs="?", metavar="NAME", help="hub:OWNER/NAME@REVISION, #FILE where it holds several; or a folder"
    )
    hub.add_argument("--json", action="store_true", help="as JSON")
    hub.set_defaults(command=_hub)
    make = commands.add_parser(
        "convert",
        help="make safetensors of a Hub revision that has only pickles",
        description="Downloads a revision's pickles, reads them as tensors and nothing else, and writes safetensors beside "
        "the Hub's cache; runs use them from then on.",
    )
    make.add_argument("name", metavar="NAME", help="hub:OWNER/NAME@REVISION, #FILE where it holds several")
    make.set_defaults(command=_convert)


def _hub(args: argparse.Namespace) -> int:
    if args.name is None:
        rows = [asdict(offer) for offer in OFFERS]
        answer(json.dumps(rows, indent=1) if args.json else "\n".join(_row(row) for row in rows))
        return 0
    found = describe(look_up_here(args.name))
    answer(json.dumps(_json(found), indent=1) if args.json else "\n".join(found.lines()))
    return 0


def _row(row: dict[str, Any]) -> str:
    notes = "; convert it first" if row["pickles"] else ""
    return f"{row['id']}\n  {row['title']} ({row['kind']}, {row['licence']}{notes}). {row['about']}"


def _json(found: Description) -> dict[str, Any]:
    model = found.model
    memory = asdict(found.first()) if found.measured else None
    spare = asdict(found.first(spare=True, **SMALL)) if found.spares else None
    return {
        "id": model.id, "kind": model.kind, "licence": model.licence, "gated": model.gated, "bytes": model.bytes,
        "missing": found.missing, "trained": found.trained, "still": found.still, "pickles": [f.path for f in model.pickles],
        "memory": memory, "memory_spare": spare,
    }  # fmt: skip


def _convert(args: argparse.Namespace) -> int:
    answer(f"Converted; use it with: --model {convert(args.name).id}")
    return 0
