"""What a default run costs here and in another checkout: CPU seconds of a fresh process, from its start to the finished comparison.

    git clone . ../base && git -C ../base checkout COMMIT
    python -m bench.speed ../base [--models ID ...]
    python -m bench.speed --table

Each run is a `python -m sfr_core run`: quick preset, seed 0, 32 bits, on the CPU, with an empty cache folder, as on a machine that runs
it for the first time; the two checkouts take turns. CPU seconds are of two processes on one machine in one run of this command; they
swing by some percent. Results go to bench/results/speed.json.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.cells import FOLDER, load, machine, updating
from bench.same import DEFAULTS, ROOT, command
from bench.tables import markdown
from recipes.command import parser_of

RESULTS = FOLDER / "speed.json"
WANTED = {"fashion-mnist-resnet": 65, "fashion-mnist-ddpm": 75, "emoji-dit": 70, "emoji-sd": 55}
"""Percent of the CPU seconds of commit 9c222b9 that a default run may take."""


def cpu_seconds(checkout: Path, model: str) -> float:
    """CPU seconds of the default run of a model in a checkout, its process started for it.

    Raises:
        CalledProcessError: the run failed; its reason stands on stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        wanted = command(checkout, model, Path(folder, "run"))
        surroundings = {**os.environ, "PYTHONPATH": str(checkout), "UNLEARNING_CACHE": f"{folder}/cache"}
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(wanted, cwd=checkout, env=surroundings, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def stored_table() -> str:
    """What was measured last of each model."""
    found = load(RESULTS, {})
    rows = [
        [model, one["other"][:7], f"{one['other_cpu_seconds']:.0f} s", f"{one['cpu_seconds']:.0f} s", f"{one['percent']:.0f} %", f"{WANTED[model]} %", one["date"]]
        for model in WANTED if (one := found.get(model))
    ]  # fmt: skip
    return markdown("model | commit | CPU time there | CPU time here | share | wanted, at most | measured", rows)


def main(argv: list[str] | None = None) -> int:
    parser = parser_of(__doc__)
    parser.add_argument("other", type=Path, nargs="?", help="another checkout of this repository")
    parser.add_argument("--table", action="store_true", help="print the Markdown and end")
    parser.add_argument("--models", nargs="+", choices=DEFAULTS, default=list(DEFAULTS))
    args = parser.parse_args(argv)
    if args.table:
        print(stored_table())
        return 0
    if args.other is None:
        parser.error("name the other checkout, or ask for the --table")
    other = args.other.resolve()
    commit = subprocess.run(["git", "-C", str(other), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    missed = False
    for model in args.models:
        theirs = cpu_seconds(other, model)
        ours = cpu_seconds(ROOT, model)
        percent = 100 * ours / theirs
        missed = missed or percent > WANTED[model]
        print(f"{model:24}{theirs:8.1f} s{ours:8.1f} s{percent:7.0f} %  (at most {WANTED[model]} %)", flush=True)
        with updating(RESULTS, {}) as found:
            found[model] = {
                "other": commit.stdout[:12], "other_cpu_seconds": theirs, "cpu_seconds": ours, "percent": percent,
                "machine": machine(), "date": time.strftime("%Y-%m-%d"),
            }  # fmt: skip
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
