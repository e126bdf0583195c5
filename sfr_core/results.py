"""Records of what was measured. Units: accuracies, MIA and gaps in percent (0 to 100), KL in nats, times in seconds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Tag, model_validator

from sfr_core.errors import AssetError, quoted
from sfr_core.reading import Count, Number, Percent, Seconds, read

SCHEMA = 1
"""Version of result.json, config.json and events.jsonl; raised with every incompatible change (docs/adr)."""
HINT = "Choose a result.json written by this program."


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierRecord:
    """One model's metrics, as docs/contracts.md names them; a field is None where it has no meaning.

    Attributes:
        FA: accuracy on the training rows of the forget set, percent.
        RA: accuracy on the training rows of the remain set, percent.
        TA: accuracy on the whole test set, percent.
        MIA: share of forget rows that the entropy attack calls members, percent.
        TA_forget: accuracy on the test rows of the forgotten classes; None unless whole classes are forgotten.
        TA_remain: accuracy on the test rows of the other classes; None likewise.
        KL: mean KL(retrained || this model) on the forget rows, nats; None without a retrained model.
        MIA_svc: share of forget rows that SalUn's SVC on confidences calls NON-members, percent (opposite sense).
        RMIA: how well the relative attack tells the forget rows from test rows of the same kind, percent (50: not at all; below: they look
            less known than pictures never seen); None without a retrained model, whose own is 50 by definition.
        n_forget, n_remain, n_test: rows behind FA, RA and TA.
    """

    FA: Percent
    RA: Percent
    TA: Percent
    MIA: Percent | None = None
    TA_forget: Percent | None = None
    TA_remain: Percent | None = None
    KL: float | None = None
    MIA_svc: Percent | None = None
    RMIA: Percent | None = None
    n_forget: Count = 0
    n_remain: Count = 0
    n_test: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorRecord:
    """One generator's metrics, as docs/contracts.md names them. All pictures are guided DDIM samples seen by the bundled judge.

    Attributes:
        FA: share of the samples of the forgotten classes that the judge accepts as their class, percent.
        FA_softmax: the same for a judge that cannot say no (best of the ten classes), percent.
        accepted_any: share of the samples of the forgotten classes that are accepted as some class, percent; the rest is
            noise or none of these.
        JA_remain: share of the samples of the other classes that the judge accepts as their class, percent.
        FD_remain: Frechet distance of the samples of the other classes to their test pictures, in the judge's features
            (never to be called FID; it grows as `n_remain` shrinks).
        judge_entropy: mean entropy of the judge's softmax over the ten classes on samples of the forgotten classes, nats.
        diversity: mean distance between two samples of one remaining class in the judge's features, over that of test
            pictures; 1 is as varied as real ones.
        n_samples, n_remain: samples of the forgotten and of the other classes.
        sampler_steps, guidance: of the sampler.
        FA_paraphrase, JA_neighbours, JA_others: text-to-image only, else None; percent. Forgotten samples are then those of
            the direct prompts, the others those of neighbouring and of distant concepts. FA_paraphrase: share of the
            samples of paraphrases that show the concept, over those paraphrases on which the model before shows it in at
            least 80 %; None where there are none. JA_neighbours, JA_others: JA_remain of either kind of concept apart.
        n_paraphrase, n_neighbours: samples behind FA_paraphrase and JA_neighbours; JA_others has the rest of n_remain.
    """

    FA: Percent
    FA_softmax: Percent
    accepted_any: Percent
    JA_remain: Percent
    FD_remain: float
    judge_entropy: float
    diversity: float
    n_samples: Count
    n_remain: Count
    sampler_steps: Count
    guidance: float
    FA_paraphrase: Percent | None = None
    JA_neighbours: Percent | None = None
    JA_others: Percent | None = None
    n_paraphrase: Count = 0
    n_neighbours: Count = 0


CONCEPT_FIELDS = ("FA_paraphrase", "JA_neighbours", "JA_others", "n_paraphrase", "n_neighbours")
"""Fields of a GeneratorRecord that only text-to-image models have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRecord:
    """During a run, on fixed subsets whose sizes are part of the record (percent).

    For a classifier the accuracies on training rows; for a generator the shares of preview samples of the forgotten and of
    the other classes that the judge accepts as their class.
    """

    forget: Percent
    remain: Percent
    n_forget: Count
    n_remain: Count


def _which(record: Any) -> str:
    """Tag of a record, by a field that no other has."""
    names = record if isinstance(record, dict) else {}
    return "live" if "forget" in names else "generator" if "JA_remain" in names else "classifier"


_Classifier = Annotated[ClassifierRecord, Tag("classifier")]
_Generator = Annotated[GeneratorRecord, Tag("generator")]
Record = Annotated[_Classifier | _Generator, Discriminator(_which)]
AnyRecord = Annotated[_Classifier | _Generator | Annotated[LiveRecord, Tag("live")], Discriminator(_which)]


def record_json(record: AnyRecord) -> dict[str, Any]:
    """A JSON-ready dict; what only text-to-image models have is left out where a record says nothing of it."""
    data = asdict(record)
    if isinstance(record, GeneratorRecord) and record.JA_others is None and record.JA_neighbours is None:
        for name in CONCEPT_FIELDS:
            del data[name]
    return data


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """result.json: what a finished run says of itself (docs/contracts.md, section result.json).

    Attributes:
        seconds: wall time of Fisher, mask and steps.
        retrain_seconds: the same of the retrained model; None where another machine trained it (docs/adr/0055).
        peak_memory_bytes: largest memory in use during the run's steps, minus that before it (ops/memory.py).
        config: of the run, with the device, precision and threads that it used.
        passes: forward-backward passes over single pictures that the run made. retrain_passes: that retraining takes (passes.py). None
            where that is not known, as in files written before they were counted.
        copies: pictures of the remain set that are exact copies of forgotten ones; None without pictures, and in older files.
    """

    before: Record
    after: Record
    retrained: Record | None
    avg_d: float | None
    avg_d_before: float | None
    kl_floor: float | None
    seconds: Seconds
    retrain_seconds: Number | None
    steps: Count
    mask_density: float | None
    peak_memory_bytes: Count | None
    device: str
    config: dict[str, Any]
    versions: dict[str, str]
    schema: int = SCHEMA
    passes: float | None = None
    retrain_passes: float | None = None
    copies: int | None = None

    @property
    def share_of_retraining(self) -> float | None:
        """Passes of the run in percent of those of retraining; None where one of them is not known."""
        if self.passes is None or not self.retrain_passes:
            return None
        return 100.0 * self.passes / self.retrain_passes

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict, fields in the order above."""
        data = asdict(self)
        found = {"before": self.before, "after": self.after, "retrained": self.retrained}
        return data | {name: record_json(record) for name, record in found.items() if record is not None}

    @model_validator(mode="before")
    @classmethod
    def _same_schema(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        if data.get("schema") != SCHEMA:
            raise AssetError(
                f"This run was written with schema {quoted(data.get('schema'))}, this program reads {SCHEMA}.",
                hint=HINT,
            )
        if "passes" in data:
            return data
        # Before passes were counted, these were of the card's machine and of this whole process: neither says anything of the run.
        older = {name: value for name, value in data.items() if name != "retrain_clock"}
        return older | {"retrain_seconds": None, "peak_memory_bytes": None}

    @classmethod
    def from_json(cls, data: Any, where: str = "this result") -> RunResult:
        """Reads what `to_json` wrote.

        Raises:
            AssetError: a field is missing, unknown or of another type, or the schema is another than this program's;
                `where` is how its sentence calls the result.
        """
        return read(cls, data, where, hint=HINT)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReport:
    """What one model answers on every picture (test transform), kept in memory for comparisons; not part of result.json.

    Attributes:
        train_predicted, test_predicted: predicted class, int64 [n].
        train_confidence, test_confidence: probability of the predicted class, float32 [n], 0 to 1.
        train_entropy, test_entropy: entropy of the softmax, float32 [n], nats (the feature of the membership attack).
    """

    train_predicted: NDArray[np.int64]
    test_predicted: NDArray[np.int64]
    train_confidence: NDArray[np.float32]
    test_confidence: NDArray[np.float32]
    train_entropy: NDArray[np.float32]
    test_entropy: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorReport:
    """Samples of one generator, kept in memory for comparisons; not part of result.json.

    The samples of two models with equal labels, steps and guidance start from the same noise, row by row.

    Attributes:
        images: uint8 [n, h, w, c].
        labels: class asked for, int64 [n].
        accepted: class that the judge accepts, -1 where it accepts none, int64 [n]; [0] of a model that has no judge.
        sampler_steps, guidance: of the sampler.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    accepted: NDArray[np.int64]
    sampler_steps: Count
    guidance: float


Report = ModelReport | GeneratorReport
