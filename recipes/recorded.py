"""Records the real runs that the page plays before anybody starts one: assets/recorded/*.json, a few hundred kB each.

    python -m recipes.recorded [NAME ...]
    python -m recipes.recorded --retrained [NAME ...]

Each file holds a run's config, its events in their order, when each came (seconds after the opening of the model), the machine, and what the retrained model
says or draws where the run looked. The page plays it and says that it is recorded. `--retrained` makes only the last anew.
Coloured sheets are kept in COLOURS colours each, else those of the emoji models would make files of megabytes.
"""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from recipes.command import parser_of
from sfr_core.cancel import CancelToken
from sfr_core.configs import RunConfig
from sfr_core.data.datasets import ASSETS
from sfr_core.events import Event, Preview, to_json
from sfr_core.presets import default_method, resolve
from sfr_core.runs.runner import run
from sfr_core.runs.session import Session

FOLDER = ASSETS / "recorded"
COLOURS = 256


@dataclass(frozen=True, slots=True)
class Lesson:
    """A default run to record, with `looks` of them on the way: more than usual, as nobody waits for it."""

    model: str
    forget: str
    looks: int


LESSONS = {
    "fashion-sneaker": Lesson("fashion-mnist-resnet", "class:Sneaker", 50),
    "fashion-tenth": Lesson("fashion-mnist-resnet", "random:0.1@0", 50),
    "fashion-ddpm-trouser": Lesson("fashion-mnist-ddpm", "class:Trouser", 16),
    "fashion-ddpm-bag": Lesson("fashion-mnist-ddpm", "class:Bag", 8),
    "emoji-dit-flags": Lesson("emoji-dit", "class:flags", 6),
    "emoji-dit-birds": Lesson("emoji-dit", "class:birds", 3),
    "emoji-sd-cat": Lesson("emoji-sd", "concept:cat", 6),
    "emoji-sd-style": Lesson("emoji-sd", "concept:google style", 3),
}
"""By file name."""


def record(lesson: Lesson) -> dict[str, Any]:
    """Runs it once and returns what the file holds."""
    method = default_method(lesson.model)
    settings = resolve(lesson.model, method, "quick", forget=lesson.forget)
    config = RunConfig(model=lesson.model, forget=lesson.forget, method=method, settings=settings)
    started = time.perf_counter()
    session = Session.open(config)
    every = max(1, settings["steps"] // lesson.looks)
    events, times = [], []
    for event in run(session, cancel=CancelToken(), live_every=every):
        events.append(to_json(lighter(event)))
        times.append(round(time.perf_counter() - started, 2))
    return {
        "config": session.config.to_json(),
        "machine": session.device_name,
        "times": times,
        "events": events,
        "retrained": look_at_retrained(session, settings["steps"]),
    }


def look_at_retrained(session: Session, steps: int) -> dict[str, Any] | None:
    """What the retrained model says or draws where the run looked, as an event's JSON; None where there is none. Leaves it in the session's model."""
    weights = session.weights("retrained")
    if weights is None:
        return None
    session.task.model.load_state_dict(dict(weights))
    session.task.model.eval()
    shown = session.task.preview(CancelToken())
    return (
        None if shown is None else to_json(lighter(Preview(i=steps, predictions=shown.predictions, sheet=shown.sheet)))
    )


def lighter(event: Event) -> Event:
    """A preview with its coloured sheet in fewer colours; every other event as it is."""
    if not isinstance(event, Preview) or event.sheet is None:
        return event
    picture = Image.open(io.BytesIO(base64.b64decode(event.sheet.png)))
    if picture.mode != "RGB":
        return event
    file = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
    return replace(event, sheet=replace(event.sheet, png=base64.b64encode(file.getvalue()).decode("ascii")))


def main(argv: Sequence[str] | None = None, folder: Path = FOLDER) -> None:
    parser = parser_of(__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(LESSONS)}; default all")
    parser.add_argument(
        "--retrained",
        action="store_true",
        help="only what the retrained model says or draws, into the files that are there",
    )
    asked = parser.parse_args(argv)
    names = asked.names
    if unknown := set(names) - set(LESSONS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(LESSONS)}")
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or LESSONS:
        target = folder / f"{name}.json"
        if asked.retrained:
            data = json.loads(target.read_text(encoding="utf-8"))
            config = RunConfig.from_json(data["config"])
            data["retrained"] = look_at_retrained(Session.open(config), config.settings["steps"])
        else:
            data = record(LESSONS[name])
        target.write_text(json.dumps(data, separators=(",", ":"), ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{target}: {target.stat().st_size / 1000:.0f} kB, {len(data['events'])} events")


if __name__ == "__main__":
    main()
