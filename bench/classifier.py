"""The table of the classifier: every class and every shipped random share, one run each, against the retrained model.

    python -m bench.classifier [--method sfr-on] [--preset quick] [--only SPEC ...] [--again]

Each finished cell goes to bench/results/classifier.json at once, so that a broken-off table is continued. The machine and
the versions stand in the file; `python -m bench.classifier --table` prints it as Markdown.
"""

from __future__ import annotations

import argparse
import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.events import Finished
from sfr_core.methods import METHODS
from sfr_core.ops.device import device_name
from sfr_core.presets import resolve
from sfr_core.runner import run
from sfr_core.session import Session
from sfr_core.zoo import card

MODEL = "fashion-mnist-resnet"
RESULTS = Path(__file__).parent / "results" / "classifier.json"


def measure(method: str, preset: str, forget: str) -> dict[str, Any]:
    """One cell: run to the end and keep what the table needs."""
    settings = resolve(MODEL, method, preset, forget=forget)
    session = Session.open(RunConfig(model=MODEL, forget=forget, method=method, preset=preset, settings=settings))  # type: ignore[arg-type]
    for event in run(session, cancel=CancelToken()):
        if isinstance(event, Finished) and event.result is not None:
            result = event.result
            assert result.retrained is not None
            return {
                "method": method, "preset": preset, "forget": forget, "settings": settings,
                "before": asdict(result.before), "after": asdict(result.after), "retrained": asdict(result.retrained),
                "avg_d": result.avg_d, "avg_d_before": result.avg_d_before, "kl_floor": result.kl_floor,
                "seconds": result.seconds, "retrain_seconds": result.retrain_seconds, "mask_density": result.mask_density,
                "device": result.device, "machine": machine(),
            }  # fmt: skip
    raise RuntimeError("the run ended without a result")


def machine() -> str:
    """Where a cell was measured."""
    return f"{platform.machine()}, {device_name(torch.device('cpu'))}, python {platform.python_version()}, torch {torch.__version__}"


def load() -> list[dict[str, Any]]:
    """All cells so far."""
    return list(json.loads(RESULTS.read_text())) if RESULTS.exists() else []


def save(cells: list[dict[str, Any]]) -> None:
    """Writes all cells, whole or not at all."""
    RESULTS.parent.mkdir(exist_ok=True)
    temporary = RESULTS.with_suffix(".new")
    temporary.write_text(json.dumps(cells, indent=1) + "\n")
    temporary.replace(RESULTS)


def table(cells: list[dict[str, Any]]) -> str:
    """The cells as two Markdown tables: classes, then random shares."""
    lines = [
        "| method | forget | FA | TA forget | TA remain | retrained | gap | MIA (retr.) | time | of retraining |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for c in cells:
        if c["forget"].startswith("class:"):
            a, r = c["after"], c["retrained"]
            share = f"{100 * c['seconds'] / c['retrain_seconds']:.1f} %" if c["retrain_seconds"] else "not timed"
            lines.append(
                f"| {c['method']} | {c['forget'][6:]} | {a['FA']:.1f} | {a['TA_forget']:.1f} | {a['TA_remain']:.1f} | {r['TA_remain']:.1f} "
                f"| {a['TA_remain'] - r['TA_remain']:+.1f} | {a['MIA']:.1f} ({r['MIA']:.1f}) | {c['seconds']:.1f} s | {share} |"
            )
    lines += [
        "",
        "| method | forget | FA (retr.) | RA (retr.) | TA (retr.) | MIA (retr.) | Avg.D | before | KL | time |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for c in cells:
        if c["forget"].startswith("random:"):
            a, r = c["after"], c["retrained"]
            pairs = " | ".join(f"{a[k]:.1f} ({r[k]:.1f})" for k in ("FA", "RA", "TA", "MIA"))
            lines.append(
                f"| {c['method']} | {c['forget']} | {pairs} | {c['avg_d']:.2f} | {c['avg_d_before']:.2f} | {a['KL']:.3f} | {c['seconds']:.1f} s |"
            )
    for method in sorted({c["method"] for c in cells}):
        rows = [c for c in cells if c["method"] == method and c["forget"].startswith("random:")]
        if rows:
            mean, before = (sum(c[k] for c in rows) / len(rows) for k in ("avg_d", "avg_d_before"))
            lines.append(
                f"\n{method}: mean Avg.D {mean:.2f}, before unlearning {before:.2f}, {len(rows)} forget seeds."
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", default="sfr-on", choices=sorted(METHODS))
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--only", nargs="+", metavar="SPEC")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--table", action="store_true")
    args = parser.parse_args()
    if args.table:
        print(table(load()))
        return
    for gold in card(MODEL).retrained:
        if gold.twin or (args.only and gold.spec not in args.only):
            continue
        cells = load()
        same = [c for c in cells if (c["method"], c["preset"], c["forget"]) == (args.method, args.preset, gold.spec)]
        if same and not args.again:
            continue
        cell = measure(args.method, args.preset, gold.spec)
        save([c for c in cells if c not in same] + [cell])
        print(table([cell]), flush=True)


if __name__ == "__main__":
    main()
