"""One run as a file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal, Self, get_args, get_type_hints

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator

from sfr_core.configs.base import checked
from sfr_core.configs.pictures import PictureReading
from sfr_core.configs.renamed import renamed
from sfr_core.errors import ConfigError, UnknownName, given, quoted
from sfr_core.reading import read

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16"]
PresetName = Literal["quick", "thorough", "published"]
Variant = Literal["official", "paper"]
DataSource = Literal["shipped", "data-free"]
Memory = Literal["plain", "spare"]
MAX_SEED = 2**31 - 1
MAX_PROMPT = 300
"""Characters of a prompt at most; a text encoder reads 77 tokens."""
MAX_THREADS = 1024
Name = Annotated[str, Field(pattern=r"\S")]
ACCEPTED = {
    "seed": f"a whole number between 0 and {MAX_SEED:,}",
    "threads": f"a whole number between 1 and {MAX_THREADS:,}",
    "redirect": f"a prompt of at most {MAX_PROMPT} characters",
    "settings": "a table of fields, {field: value}",
    "reading": "a table that says how pictures are read",
    "schema": "1",
}
"""What a field of a run takes, where that is no name."""


@checked
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
        threads: of the CPU, which decide the order of sums and so the last bits of the weights; None leaves them to the machine. A run's
            files say how many it used, and `run --config` uses as many.
        reading: of a classifier with somebody's own pictures, how they become its input; None of any other model, and in older files.
    """

    model: Name
    forget: Name
    method: Name
    preset: PresetName = "quick"
    variant: Variant = "official"
    settings: dict[str, Any]
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] = 0
    device: Device = "auto"
    precision: Precision = "auto"
    data: DataSource = "shipped"
    redirect: Annotated[str, Field(max_length=MAX_PROMPT)] = ""
    memory: Memory = "plain"
    threads: Annotated[int, Field(ge=1, le=MAX_THREADS)] | None = None
    reading: PictureReading | None = None
    schema: int = 1

    @model_validator(mode="wrap")
    @classmethod
    def _in_one_sentence(cls, values: Any, check: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return check(values)
        except ValidationError as error:
            wrong = error.errors(include_url=False)
        if lacking := [str(each["loc"][0]) for each in wrong if each["type"] == "missing"]:
            raise ConfigError(
                f"The run configuration lacks {', '.join(sorted(lacking))}.", hint="Choose a whole config.json."
            )
        name, value = str(wrong[0]["loc"][0]), wrong[0]["input"]
        hints = get_type_hints(cls)
        if name not in hints:
            raise UnknownName("field", name, hints)
        if choices := get_args(hints[name]) if wrong[0]["type"] == "literal_error" else ():
            raise UnknownName(name, str(value), choices)
        must_be = f"The {name} must be {ACCEPTED.get(name, 'a name')}."
        raise ConfigError(must_be, hint=f"You gave {given(value)}.")

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict, fields in the order above."""
        values = asdict(self)
        if self.data == "shipped":
            del values["data"]
        if not self.redirect:
            del values["redirect"]
        if self.memory == "plain":
            del values["memory"]
        if self.threads is None:
            del values["threads"]
        if self.reading is None:
            del values["reading"]
        else:
            values["reading"] = {k: list(v) if isinstance(v, tuple) else v for k, v in values["reading"].items()}
        return values

    @classmethod
    def from_json(cls, data: Any) -> RunConfig:
        """Reads what `to_json` wrote, today or before SFR-on redirected had a name of its own (configs/renamed.py).

        Raises:
            ConfigError: not a table, a field missing, or another schema. UnknownName: an unknown field.
        """
        if not isinstance(data, dict):
            raise ConfigError("This is not a run configuration.", hint="Choose a config.json written by this program.")
        if data.get("schema", 1) != 1:
            raise ConfigError(
                f"This configuration has schema {quoted(data['schema'])}, this program reads 1.",
                hint="Update the program.",
            )
        if isinstance(data.get("method"), str) and isinstance(data.get("settings"), dict):
            method, settings = renamed(data["method"], data["settings"])
            data = {**data, "method": method, "settings": settings}
        if isinstance(data.get("reading"), dict):
            hint = "Choose a config.json written by this program."
            data = {**data, "reading": read(PictureReading, data["reading"], "the config's reading", hint=hint)}
        return cls(**data)


def whole(name: str, value: Any) -> int:
    """A number box's value as a whole number of seed size.

    Raises:
        ConfigError: no number, with a fraction, or out of range.
    """
    if type(value) not in (int, float) or not 0 <= value <= MAX_SEED or value != int(value):
        raise ConfigError(
            f"The {name} must be a whole number between 0 and {MAX_SEED:,}.", hint=f"You gave {given(value)}."
        )
    return int(value)
