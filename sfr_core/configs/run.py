"""One run as a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from sfr_core.errors import ConfigError, UnknownName

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16"]
PresetName = Literal["quick", "thorough", "published"]
Variant = Literal["official", "paper"]
DataSource = Literal["shipped", "data-free"]
Memory = Literal["plain", "spare"]
MAX_SEED = 2**31 - 1
MAX_PROMPT = 300
"""Characters of a prompt at most; a text encoder reads 77 tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """One run, whole: the object that the page, the command line, a link and a file all hold.

    Attributes:
        model: identifier in the zoo.
        forget: forget specification (docs/contracts.md), for example ``class:Sneaker``.
        method: identifier in the catalog.
        preset, variant: where `settings` came from; kept for people, `settings` alone decide.
        settings: every field of the method's config.
        seed: of the run's own draws (batches, augmentation, labels).
        device, precision: as asked for; what was used stands in the result. "auto" is the precision that is measured to be faster; of a
            generator of the Hub half precision on a GPU and single precision elsewhere, unmeasured.
        data: pictures to forget and to keep; "data-free" lets a generator draw both sets itself before the run. Only
            this value is written to files, so that all others look as they did before there were generators.
        redirect: prompt that a text-to-image model answers in place of the forgotten concept; "" takes the one that the
            model's list names. Written to files only where it is set.
        memory: "spare" recomputes activations and holds in half precision what does not change (ops/sparing.py); its
            "auto" precision is half precision, unmeasured. Only this value is written to files.
    """

    model: str
    forget: str
    method: str
    preset: PresetName = "quick"
    variant: Variant = "official"
    settings: dict[str, Any]
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"
    data: DataSource = "shipped"
    redirect: str = ""
    memory: Memory = "plain"
    schema: int = 1

    def __post_init__(self) -> None:
        for name, kind in (
            ("device", Device), ("precision", Precision), ("preset", PresetName), ("variant", Variant), ("data", DataSource),
            ("memory", Memory),
        ):  # fmt: skip
            if getattr(self, name) not in get_args(kind):
                raise UnknownName(name, str(getattr(self, name)), get_args(kind))
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed <= MAX_SEED:
            raise ConfigError(f"The seed cannot be {self.seed!r}.", hint=f"Give a whole number from 0 to {MAX_SEED}.")
        for name in ("model", "forget", "method"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise ConfigError(f"The run names no {name}.", hint=f"Give {name} as text.")
        if not isinstance(self.redirect, str) or len(self.redirect) > MAX_PROMPT:
            raise ConfigError(
                "The prompt to redirect to cannot be used.", hint=f"Give a text of at most {MAX_PROMPT} characters."
            )
        if not isinstance(self.settings, dict):
            raise ConfigError("The run's settings are not a table of fields.", hint="Give settings as {field: value}.")

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict, fields in the order above."""
        values = asdict(self)
        if self.data == "shipped":
            del values["data"]
        if not self.redirect:
            del values["redirect"]
        if self.memory == "plain":
            del values["memory"]
        return values

    @classmethod
    def from_json(cls, data: Any) -> RunConfig:
        """Reads what `to_json` wrote.

        Raises:
            ConfigError: not a table, a field missing, or another schema. UnknownName: an unknown field.
        """
        if not isinstance(data, dict):
            raise ConfigError("This is not a run configuration.", hint="Choose a config.json written by this program.")
        known = {f.name for f in fields(cls)}
        for key in data:
            if key not in known:
                raise UnknownName("field", str(key), known)
        missing = {"model", "forget", "method", "settings"} - set(data)
        if missing:
            raise ConfigError(
                f"The run configuration lacks {', '.join(sorted(missing))}.", hint="Choose a whole config.json."
            )
        if data.get("schema", 1) != 1:
            raise ConfigError(
                f"This configuration has schema {data['schema']}, this program reads 1.", hint="Update the program."
            )
        return cls(**data)


def whole(name: str, value: float | None) -> int:
    """A number box's value as a whole number of seed size.

    Raises:
        ConfigError: empty, with a fraction, or out of range.
    """
    if value is None or not float(value).is_integer() or not 0 <= value <= MAX_SEED:
        raise ConfigError(f"The {name} cannot be {value!r}.", hint=f"Give a whole number from 0 to {MAX_SEED}.")
    return int(value)
