"""The tables of the command line: models and methods, for people or as JSON arrays. No torch."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict

from sfr_core.catalog import BY_KIND
from sfr_core.cli.talk import answer
from sfr_core.zoo.cards import card_json
from sfr_core.zoo.shipped import cards


def print_models(args: argparse.Namespace) -> int:
    """The shipped models; `args.json` asks for an array with every field of the cards. Returns exit code 0."""
    if args.json:
        answer(json.dumps([card_json(model) for model in cards()], ensure_ascii=False, indent=1))
        return 0
    rows = [
        (m.id, m.kind, m.dataset, f"{m.parameters:,}", f"{m.bytes / 1e6:.1f} MB", m.licence, str(len(m.retrained)))
        for m in cards()
    ]
    _table(("id", "kind", "data", "parameters", "size", "licence", "retrained models"), rows)
    return 0


def print_methods(args: argparse.Namespace) -> int:
    """The methods; `args.json` asks for an array with every setting and its range, by kind of model. Returns exit code 0."""
    if args.json:
        rows = [
            {
                "id": m.id,
                "kind": kind,
                "title": m.title,
                "summary": m.summary,
                "requires": list(m.requires),
                "paper": m.paper,
                "parts": asdict(m.parts),
                "settings": [asdict(spec) for spec in m.config_cls.settings()],
            }
            for kind, methods in BY_KIND.items()
            for m in methods.values()
        ]
        answer(json.dumps(rows, ensure_ascii=False, indent=1))
        return 0
    table = [(m.id, kind, m.title, m.paper, m.summary) for kind, methods in BY_KIND.items() for m in methods.values()]
    _table(("id", "for models of kind", "title", "paper", "what it does"), table)
    return 0


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    for line in table_lines(head, rows):
        answer(line)


def table_lines(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """A table for people, columns as wide as their widest cell."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [head, tuple("-" * w for w in widths), *rows]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in lines]
