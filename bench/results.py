"""Writes the tables of docs/results.md, and those that the page opens with, from what is stored in bench/results.

    python -m bench.results [--check]

In the document a table stands between `<!-- COMMAND -->` and `<!-- end -->`, where COMMAND is the one that prints it.
The page's are in assets/compared.json and assets/sweeps.json (bench/compared.py, bench/sweep.py). `--check` writes nothing and exits with 1 where a table is not what its command prints.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from bench import both, compared, estimate, generators, methods, page, racing, speed, sweep, tuning, whatnow
from recipes.command import parser_of

DOCUMENT = Path(__file__).resolve().parents[1] / "docs/results.md"
COMMANDS: dict[str, Callable[[], str]] = {
    "python -m bench.classifier --table": methods.tables,
    "python -m bench.both": both.table,
    "python -m bench.estimate --table": estimate.stored_table,
    "python -m bench.page --table": page.stored_table,
    "python -m bench.racing --table": racing.stored_table,
    "python -m bench.speed --table": speed.stored_table,
    "python -m bench.tuning --table": tuning.stored_table,
    "python -m bench.whatnow --table": whatnow.stored_table,
    "python -m bench.sweep --table": sweep.table,
    **{f"python -m bench.generators --table --model {m}": partial(generators.tables, m) for m in generators.COMPARED},
}
BLOCK = re.compile(r"<!-- (python [^\n]+) -->\n.*?<!-- end -->", re.DOTALL)


def generated(text: str) -> str:
    """The document with every table as its command prints it today.

    Raises:
        KeyError: a table names a command that prints none.
    """

    def block(found: re.Match[str]) -> str:
        command = found[1]
        return f"<!-- {command} -->\n`{command}`:\n\n{COMMANDS[command]()}\n<!-- end -->"

    return BLOCK.sub(block, text)


def main(argv: list[str] | None = None) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the tables are up to date")
    args = parser.parse_args(argv)
    found = {
        path: path.read_text(encoding="utf-8") if path.exists() else ""
        for path in (DOCUMENT, compared.FILE, sweep.FILE)
    }
    wanted = {DOCUMENT: generated(found[DOCUMENT]), compared.FILE: compared.text(), sweep.FILE: sweep.text()}
    if args.check:
        return int(wanted != found)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
