"""What a run is made of: the fields of a method's config (the configs themselves: catalog/), and a run as a file."""

from __future__ import annotations

from sfr_core.configs.base import (
    EpochConfig,
    MethodConfig,
    OptimizerConfig,
    Setting,
    StepConfig,
    Trainable,
    parse_value,
)
from sfr_core.configs.run import (
    MAX_PROMPT,
    MAX_SEED,
    DataSource,
    Device,
    Memory,
    Precision,
    PresetName,
    RunConfig,
    Variant,
)

__all__ = [
    "MAX_PROMPT",
    "MAX_SEED",
    "DataSource",
    "Device",
    "EpochConfig",
    "Memory",
    "MethodConfig",
    "OptimizerConfig",
    "Precision",
    "PresetName",
    "RunConfig",
    "Setting",
    "StepConfig",
    "Trainable",
    "Variant",
    "parse_value",
]
