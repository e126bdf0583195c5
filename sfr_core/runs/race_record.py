"""A race as data: race.json with a row for each run, and what is said while the runs are made. No torch.

The same rows hold what the benchmarks measured (bench/rows.py), so that one table shows both.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from sfr_core.configs import DataSource, Device, Precision, RunConfig
from sfr_core.configs.run import MAX_THREADS
from sfr_core.errors import AssetError, quoted
from sfr_core.events import Event, to_json
from sfr_core.reading import Count, Percent, Seconds, read
from sfr_core.results import Record, record_json
from sfr_core.runs.files import json_text, load_json, whole_file

FILE = "race.json"
SCHEMA = 1
"""Version of race.json; raised with every change that an old file could be misread by."""
HINT = f"Choose the {FILE} of a race."
Status = Literal["done", "stopped", "failed"]
NAME = "[a-z0-9][a-z0-9.-]{0,79}"
Entry = Annotated[str, Field(pattern=f"^{NAME}$")]
"""Names a run of a race and its folder, and so can name nothing outside of it: sfr-on-redirected-0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """One of the classes that the original takes most often for the forgotten one: accuracy on its test rows, percent.

    Attributes:
        retrained: None without a retrained model.
    """

    name: str
    before: Percent
    after: Percent
    retrained: Percent | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceRow:
    """What came of one run.

    Attributes:
        entry: its name in the race, and its folder beside race.json; "" of a run whose files nobody kept.
        model, forget, method, preset, variant, data, seed, settings: of the run (RunConfig).
        part: name of an ablation of the method, as the benchmarks have them; "" for the method as it is.
        status: whether it went to its end. said: why not, in one sentence; "" where it did.
        steps: that were made; None where nobody counted.
        before, after, retrained: records as in result.json; None where they were not measured, or there is no such model.
        avg_d, kl_floor, mask_density, passes, retrain_passes: as in result.json.
        neighbours: of a classifier that forgets whole classes.
        seconds: wall time of Fisher, mask and steps. cpu_seconds: the same of all cores. None where nobody measured them; compare
            neither across machines.
        device: and precision. machine: where it ran, with versions. date: the day on which it ended, UTC, as ISO 8601.
    """

    entry: Annotated[str, Field(pattern=f"^({NAME})?$")] = ""
    model: str
    forget: str
    method: str
    preset: str
    variant: str
    part: str = ""
    data: DataSource = "shipped"
    seed: Count
    settings: dict[str, Any]
    status: Status
    said: str = ""
    steps: Count | None = None
    before: Record | None = None
    after: Record | None = None
    retrained: Record | None = None
    avg_d: float | None = None
    kl_floor: float | None = None
    neighbours: tuple[Neighbour, ...] = ()
    mask_density: float | None = None
    passes: float | None = None
    retrain_passes: float | None = None
    seconds: Seconds | None = None
    cpu_seconds: Seconds | None = None
    device: str = ""
    machine: str = ""
    date: str = ""

    @property
    def racer(self) -> Racer:
        """Whose row it is; rows of one racer differ in seed and forget set only."""
        return Racer(self.method, self.part, self.preset, self.variant, self.data)

    @property
    def share_of_retraining(self) -> float | None:
        """Passes in percent of those of retraining; None where one of them is not known."""
        if self.passes is None or not self.retrain_passes:
            return None
        return 100.0 * self.passes / self.retrain_passes

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict, fields in the order above."""
        found = {"before": self.before, "after": self.after, "retrained": self.retrained}
        return asdict(self) | {name: record_json(record) for name, record in found.items() if record is not None}


@dataclass(frozen=True, slots=True, order=True)
class Racer:
    """What competes: a method, or an ablation of it, with what is spent on it."""

    method: str
    part: str = ""
    preset: str = "quick"
    variant: str = "official"
    data: str = "shipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a race is made: what its first run used, which decides the last bits of all."""

    device: Device
    precision: Precision
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """race.json: what the race is, and the rows of the runs that have ended.

    Attributes:
        machine: that makes the race; each row says its own too.
        date: of its begin, UTC, as ISO 8601 with seconds; "" where it is not known.
        command: that makes it again.
        versions: of Python and torch.
        plan: the configuration of every run by its entry, in the order in which they run; empty for rows that the benchmarks measured.
        rows: in the order of the plan.
        place: None before the first run, and of rows that the benchmarks measured.
        reference: of a retrained model of one's own, what tells its weights from others; "" without one.
    """

    machine: str
    date: str
    command: str
    versions: dict[str, str]
    plan: dict[Entry, dict[str, Any]] = field(default_factory=dict)
    rows: tuple[RaceRow, ...] = ()
    place: Place | None = None
    reference: str = ""
    schema: int = SCHEMA

    @property
    def configs(self) -> dict[str, RunConfig]:
        """The plan.

        Raises:
            InputError: one of them is no configuration of a run.
        """
        return {entry: RunConfig.from_json(config) for entry, config in self.plan.items()}

    @property
    def left(self) -> tuple[str, ...]:
        """Entries that have yet to run to their end or fail; a stopped run is made again."""
        ended = {row.entry for row in self.rows if row.status != "stopped"}
        return tuple(entry for entry in self.plan if entry not in ended)

    def with_row(self, row: RaceRow) -> Race:
        """The same with one more row, in the place that the plan gives it; a row of the same entry goes."""
        order = {entry: at for at, entry in enumerate(self.plan)}
        rows = [old for old in self.rows if old.entry != row.entry]
        return replace(self, rows=tuple(sorted([*rows, row], key=lambda row: order[row.entry])))

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict, fields in the order above."""
        return asdict(replace(self, rows=())) | {"rows": [row.to_json() for row in self.rows]}

    @model_validator(mode="after")
    def _rows_of_the_plan(self) -> Self:
        entries = [row.entry for row in self.rows if self.plan]
        if len(set(entries)) < len(entries) or not set(entries) <= set(self.plan):
            raise AssetError("The rows of this race are not those of its plan.", hint=HINT)
        return self

    @classmethod
    def from_json(cls, data: Any, where: str = "this race") -> Race:
        """Reads what `to_json` wrote.

        Raises:
            AssetError: a field is missing, unknown or of another type, a row is not of the plan, or the schema is another than this
                program's; `where` is how its sentence calls the race.
        """
        if isinstance(data, dict) and data.get("schema") != SCHEMA:
            raise AssetError(
                f"This race was written with schema {quoted(data.get('schema'))}, this program reads {SCHEMA}.",
                hint=HINT,
            )
        return read(cls, data, where, hint=HINT)


def read_race(path: Path) -> Race:
    """Reads a race.json (or the one in a race's folder).

    Raises:
        AssetError: missing, not JSON, or not a race of this schema.
    """
    return Race.from_json(load_json(path / FILE if path.is_dir() else path, AssetError))


def write_race(folder: Path, race: Race) -> None:
    """Writes race.json; it appears whole, in place of an older one.

    Raises:
        OSError: the disk refused.
    """
    with whole_file(folder / FILE) as f:
        f.write((json_text(race.to_json(), indent=1) + "\n").encode())


# What a race says while it is made: (RunBegan Told* RunEnded)* RaceEnded


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBegan:
    """A run begins. `i`: its number, from 1, of the `total` runs of the race."""

    entry: str
    i: Count
    total: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event of the run that is being made."""

    entry: str
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """A run has ended, and its row is in race.json."""

    row: RaceRow


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceEnded:
    """All runs have ended, or somebody stopped the race: then some have not begun."""

    status: Literal["done", "stopped"]


RaceEvent = RunBegan | Told | RunEnded | RaceEnded
"""Of a run that was made earlier nothing is said but its row in race.json."""


def race_event_json(event: RaceEvent) -> dict[str, Any]:
    """The wire form: an event of a run as in events.jsonl with its `entry` more, others ``{"event": class name, **fields}``."""
    if isinstance(event, Told):
        return {**to_json(event.event), "entry": event.entry}
    fields = {"row": event.row.to_json()} if isinstance(event, RunEnded) else asdict(event)
    return {"event": type(event).__name__, **fields}
