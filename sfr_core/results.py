"""Records of what was measured. Units: accuracies, MIA and gaps in percent (0 to 100), KL in nats, times in seconds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sfr_core.errors import AssetError

SCHEMA = 1
"""Version of result.json, config.json and events.jsonl; raised with every incompatible change (docs/adr)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierRecord:
    """One model's metrics, as contracts.md names them; a field is None where it has no meaning.

    Attributes:
        FA: accuracy on the training rows of the forget set, percent.
        RA: accuracy on the training rows of the remain set, percent.
        TA: accuracy on the whole test set, percent.
        MIA: share of forget rows that the entropy attack calls members, percent.
        TA_forget: accuracy on the test rows of the forgotten classes; None unless whole classes are forgotten.
        TA_remain: accuracy on the test rows of the other classes; None likewise.
        KL: mean KL(retrained || this model) on the forget rows, nats; None without a retrained model.
        MIA_svc: share of forget rows that SalUn's SVC on confidences calls NON-members, percent (opposite sense).
        n_forget, n_remain, n_test: rows behind FA, RA and TA.
    """

    FA: float
    RA: float
    TA: float
    MIA: float | None = None
    TA_forget: float | None = None
    TA_remain: float | None = None
    KL: float | None = None
    MIA_svc: float | None = None
    n_forget: int = 0
    n_remain: int = 0
    n_test: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRecord:
    """Accuracies during a run, on fixed subsets whose sizes are part of the record (percent)."""

    forget: float
    remain: float
    n_forget: int
    n_remain: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """result.json: what a finished run says of itself (contracts.md, section result.json)."""

    before: ClassifierRecord
    after: ClassifierRecord
    retrained: ClassifierRecord | None
    avg_d: float | None
    avg_d_before: float | None
    kl_floor: float | None
    seconds: float
    retrain_seconds: float | None
    steps: int
    mask_density: float | None
    peak_memory_bytes: int
    device: str
    config: dict[str, Any]
    versions: dict[str, str]
    schema: int = SCHEMA

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dict, fields in the order above."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> RunResult:
        """Reads what `to_json` wrote.

        Raises:
            AssetError: a field is missing or unknown, or the schema is newer than this program.
        """
        hint = "Choose a result.json written by this program."
        if not isinstance(data, dict) or not isinstance(data.get("schema"), int):
            raise AssetError("This is not a run result.", hint=hint)
        if data["schema"] != SCHEMA:
            raise AssetError(
                f"This run was written with schema {data['schema']}, this program reads {SCHEMA}.", hint=hint
            )
        known = {f.name for f in fields(cls)}
        if set(data) != known:
            raise AssetError(f"Wrong fields: {', '.join(sorted(set(data) ^ known))}.", hint=hint)
        try:
            records = {k: ClassifierRecord(**data[k]) for k in ("before", "after")}
            retrained = None if data["retrained"] is None else ClassifierRecord(**data["retrained"])
        except TypeError as error:
            raise AssetError(f"A record cannot be read ({error}).", hint=hint) from None
        return cls(**{**data, **records, "retrained": retrained})


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
