"""Makes assets/known: what the shipped models answer and draw in the default runs, so that nobody's first run computes it.

    python -m recipes.known [--anew] [--precisions fp32 bf16] [NAME ...]

Each default run is made with a single step, in both precisions or in one (half precision takes hours where it is imitated), and computes what is missing. Its entries (sfr_core/runs/known.py) then hold
on every machine. With `--anew` all of them go before.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from recipes.command import parser_of
from recipes.recorded import LESSONS
from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.configs.run import Precision
from sfr_core.presets import default_method, resolve
from sfr_core.runs.known import ENDING, KEY, SHIPPED, Key, write
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session

PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16")


def main(argv: list[str] | None = None) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--anew", action="store_true", help="remove every entry first")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=PRECISIONS)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(LESSONS)}; default all")
    args = parser.parse_args(argv)
    if unknown := set(args.names) - set(LESSONS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(LESSONS)}")
    SHIPPED.mkdir(parents=True, exist_ok=True)
    for path in SHIPPED.glob(f"*{ENDING}") if args.anew else ():
        path.unlink()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["UNLEARNING_CACHE"] = cache
        for lesson in (LESSONS[name] for name in args.names or LESSONS):
            method = default_method(lesson.model)
            settings = {**resolve(lesson.model, method, "quick", forget=lesson.forget), "steps": 1}
            for precision in args.precisions:
                config = RunConfig(
                    model=lesson.model,
                    forget=lesson.forget,
                    method=method,
                    settings=settings,
                    device="cpu",
                    precision=precision,
                )
                for _ in run(Session.open(config), cancel=CancelToken()):
                    pass
        made = publish(Path(cache), SHIPPED)
    print(f"{len(made)} entries, {sum(path.stat().st_size for path in made) / 1e6:.1f} MB in {SHIPPED}")
    return 0


def publish(cache: Path, folder: Path) -> list[Path]:
    """Copies this machine's entries so that they hold on every machine; returns the new files."""
    made = []
    for path in sorted(cache.glob(f"*{ENDING}")):
        with np.load(path) as f:
            arrays = {name: f[name] for name in f.files}
        key = Key.read(str(arrays.pop(KEY)))
        made.append(folder / key.file(anywhere=True))
        write(made[-1], key.text(anywhere=True), arrays)
    return made


if __name__ == "__main__":
    raise SystemExit(main())
