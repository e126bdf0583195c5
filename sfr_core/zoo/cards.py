"""Model cards: what a folder in assets/models says of its model. No torch, and nothing but reading and writing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PlainSerializer

from sfr_core.configs.pictures import PictureReading
from sfr_core.errors import AssetError, InputError, SpecError, reason
from sfr_core.kinds import KINDS, kind_named
from sfr_core.kinds.base import Sampling
from sfr_core.reading import Number, read, reader
from sfr_core.results import GeneratorRecord, record_json

if TYPE_CHECKING:
    from sfr_core.configs import DataSource
    from sfr_core.data.splits import ForgetSpec

SAMPLES = "samples.png"
"""In a generator's folder: square samples without gaps. A row shows one class, in the order of their numbers, unless the file's
text SHEET_ROWS names the rows, as it must where labels are prompts."""
SHEET_ROWS = "rows"
"""PNG text chunk of SAMPLES: a JSON list with the name of every row, from the top: of a class, or of a concept."""
RESTORE = "Fetch the repository again (git checkout -- assets), or make it anew with the recipe in the card."
FORGETS = {
    "class": "whole classes",
    "random": "a random share",
    "samples": "chosen pictures",
    "concept": "a concept",
}
"""Beginning of a forget specification -> what it names."""
Records = dict[str, Annotated[GeneratorRecord, PlainSerializer(record_json)]]
"""By protocol (metrics.generation.Protocol.name): "100@20" is 100 samples of the forgotten classes in 20 steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainedModel:
    """A model retrained without a forget set, by the recipe of the original.

    Attributes:
        spec: canonical forget specification.
        second: True for another one from another training seed, the noise floor; cards call it "twin".
        file, bytes, sha256: where the weights lie in the card's folder, and how to check them.
        seed: training seed.
        wall_seconds, cpu_seconds: what its training took on the machine that the card names; None where not measured.
        metrics: accuracies in percent.
        records: of a generator: what was measured.
        training: of a generator: how much it saw ("images_seen", "steps", ...).
    """

    spec: str
    second: Annotated[bool, Field(alias="twin")]
    file: str
    bytes: int
    sha256: str
    seed: int
    wall_seconds: Number | None
    cpu_seconds: Number
    metrics: dict[str, Number]
    records: Records = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What is known of a model: enough to show it, to check it and to build it.

    `wall_seconds` and `cpu_seconds` are those of the shipped training, which shared its machine with others on `threads`
    threads; `retrain_seconds` is what a retraining took on the recipe's machine: the wall time with `retrain_threads` threads and
    nothing beside it, or (`retrain_clock` "cpu") the CPU time. No run is compared with it (docs/adr/0055). None where that was not measured.

    A generator's folder is in diffusers' format: of a DDPM config.json, `file` and scheduler_config.json beside this card, else a
    whole pipeline, of which `file` is changed by a run ("transformer/..."). It also has:

    Attributes:
        parts: sha256 of the pipeline's other weight files, by their path in the folder.
        judge: identifier of the folder of the judge that looks at its samples; only a foreign model may have none.
        sampling: of its samples.
        records: of the model as shipped, by canonical forget specification.
        training: how much it saw.

    A classifier of the Hub that a visitor opened with pictures of their own has, under an `own:` identifier:

    Attributes:
        origin: its pinned name on the Hub, `hub:REPO@COMMIT`, which is how presets and a run's files know it.

    A classifier with somebody's own pictures has:

    Attributes:
        reading: how they become its input.
    """

    id: str
    title: str
    kind: str
    summary: str
    dataset: str
    data_licence: str
    licence: str
    source: Literal["bundled", "own", "hub", "local"]
    architecture: dict[str, Any]
    parameters: int
    file: str
    bytes: int
    sha256: str
    seed: int
    recipe: str
    machine: str
    threads: int
    precision: str
    wall_seconds: Number | None
    cpu_seconds: Number
    retrain_seconds: Number | None
    retrain_threads: int | None
    retrain_clock: Literal["wall", "cpu"] = "wall"
    metrics: dict[str, Number]
    retrained: tuple[RetrainedModel, ...]
    folder: Path
    parts: dict[str, str] = field(default_factory=dict)
    judge: str | None = None
    sampling: Sampling | None = None
    records: dict[str, Records] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    origin: str = ""
    reading: PictureReading | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no kind '{self.kind}'")
        if KINDS[self.kind].draws and not self.foreign and (self.judge is None or self.sampling is None):
            raise ValueError("a generator needs a judge and its sampling")

    @property
    def foreign(self) -> bool:
        """From the Hub or from a folder on this machine, of any size and without a judge: no lone U-Net, which has a shipped model's."""
        return self.source in ("hub", "local") and self.judge is None

    @property
    def weight_files(self) -> dict[str, str]:
        """sha256 of every weight file of the model as shipped, by its path in the folder."""
        return {self.file: self.sha256, **self.parts}


def check_kind(kind: str, spec: ForgetSpec, data: DataSource, redirect: str = "") -> None:
    """Whether a model of this kind can forget what `spec` names, with this source of pictures.

    Raises:
        SpecError: it forgets other things. InputError: a classifier without data, or a redirection of a model that reads no prompts.
    """
    is_a = kind_named(kind)
    asked = spec.text.partition(":")[0]
    if redirect and not is_a.prompts:
        raise InputError("Only a text-to-image model can be redirected to a prompt.", hint="Leave out the redirection.")
    if asked not in is_a.forgets:
        able = ", ".join(FORGETS[name] for name in is_a.forgets)
        example = "concept:cat" if is_a.prompts else "class:Sneaker"
        raise SpecError(
            f"A {is_a.noun} cannot forget {FORGETS[asked]}: it forgets {able}.", hint=f"Write for example {example}."
        )
    if data == "data-free" and not is_a.draws:
        raise InputError(f"A {is_a.noun} cannot draw pictures to forget.", hint="Leave out 'data-free'.")


def retrained_model(model: ModelCard, forget_text: str, *, second: bool = False) -> RetrainedModel | None:
    """The retrained model for a canonical forget specification, or None where none is shipped."""
    return next((one for one in model.retrained if (one.spec, one.second) == (forget_text, second)), None)


def read_card(folder: Path, name: str = "card.json") -> ModelCard:
    """Reads `folder`/`name`; a card under another name is a draft, which the zoo does not list.

    Raises:
        AssetError: missing, not JSON, or fields missing or unknown.
    """
    path = folder / name
    try:
        data = json.loads(path.read_text(encoding="utf-8")) | {"folder": str(folder)}
    except (OSError, ValueError, TypeError) as error:
        raise AssetError(f"The model card {path} cannot be read ({reason(error)}).", hint=RESTORE) from None
    return read(ModelCard, data, f"the model card {path}", hint=RESTORE)


def write_card(card: ModelCard, name: str = "card.json") -> None:
    """Writes what `read_card` reads; fields that only generators have are left out of a classifier's card."""
    data = card_json(card)
    temporary = card.folder / f"{name}.new"
    temporary.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.replace(card.folder / name)


def card_json(card: ModelCard) -> dict[str, Any]:
    """A JSON-ready dict of a card, without the folder and without the fields that say nothing."""
    data: dict[str, Any] = reader(ModelCard).dump_python(card, by_alias=True, exclude={"folder"}, exclude_defaults=True)
    return data
