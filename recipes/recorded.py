"""Records the real run that the page opens on: assets/recorded/fashion-sneaker.json, a few hundred kB.

    python -m recipes.recorded

The file holds the run's config, its events in their order and the machine. The page plays it and says that it is recorded.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.data.datasets import ASSETS
from sfr_core.events import to_json
from sfr_core.presets import resolve
from sfr_core.runner import run
from sfr_core.session import Session

TARGET = ASSETS / "recorded" / "fashion-sneaker.json"
MODEL, FORGET, METHOD = "fashion-mnist-resnet", "class:Sneaker", "sfr-on"
LOOKS = 50


def record() -> dict[str, Any]:
    """Runs the default run once, with more live looks than usual, and returns what the file holds."""
    settings = resolve(MODEL, METHOD, "quick", forget=FORGET)
    session = Session.open(RunConfig(model=MODEL, forget=FORGET, method=METHOD, settings=settings))
    every = max(1, settings["steps"] // LOOKS)
    events = [to_json(event) for event in run(session, cancel=CancelToken(), live_every=every)]
    return {"config": session.config.to_json(), "machine": session.device_name, "events": events}


def main(target: Path = TARGET) -> None:
    data = record()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{target}: {target.stat().st_size / 1000:.0f} kB, {len(data['events'])} events")


if __name__ == "__main__":
    main()
