"""Hyper-parameters: one frozen dataclass per method. Each field carries what sliders, `--set` and the docs are made from.

Symbols are the paper's (arXiv 2409.19732); where the published code differs from it, the field says so and the two
variants `official` and `paper` (VARIANTS) choose. Values with their sources: presets.py and generator_presets.py.
"""

from __future__ import annotations

from sfr_core.configs.base import (
    EpochConfig,
    Group,
    MethodConfig,
    OptimizerConfig,
    Preset,
    Setting,
    check_value,
    parse_value,
    setting,
)
from sfr_core.configs.classifiers import (
    BadTeacherConfig,
    FinetuneConfig,
    GradientAscentConfig,
    RandomLabelConfig,
    RetrainConfig,
    SalUnConfig,
    ScrubConfig,
)
from sfr_core.configs.concepts import (
    ConceptAblationConfig,
    ConceptAscentConfig,
    ConceptFinetuneConfig,
    ConceptSalUnConfig,
    ConceptSFRonConfig,
    EsdConfig,
    EsdUConfig,
    Trainable,
    UceConfig,
)
from sfr_core.configs.generators import (
    AscentStepsConfig,
    FinetuneStepsConfig,
    JointConfig,
    RandomEmbeddingConfig,
    RetrainStepsConfig,
    SalUnJointConfig,
    SelectiveAmnesiaConfig,
    StepConfig,
)
from sfr_core.configs.run import (
    MAX_PROMPT,
    MAX_SEED,
    VARIANTS,
    DataSource,
    Device,
    Memory,
    Precision,
    PresetName,
    RunConfig,
    Variant,
)
from sfr_core.configs.sfron import SFRonConfig

__all__ = [
    "MAX_PROMPT",
    "MAX_SEED",
    "VARIANTS",
    "AscentStepsConfig",
    "BadTeacherConfig",
    "ConceptAblationConfig",
    "ConceptAscentConfig",
    "ConceptFinetuneConfig",
    "ConceptSFRonConfig",
    "ConceptSalUnConfig",
    "DataSource",
    "Device",
    "EpochConfig",
    "EsdConfig",
    "EsdUConfig",
    "FinetuneConfig",
    "FinetuneStepsConfig",
    "GradientAscentConfig",
    "Group",
    "JointConfig",
    "Memory",
    "MethodConfig",
    "OptimizerConfig",
    "Precision",
    "Preset",
    "PresetName",
    "RandomEmbeddingConfig",
    "RandomLabelConfig",
    "RetrainConfig",
    "RetrainStepsConfig",
    "RunConfig",
    "SFRonConfig",
    "SalUnConfig",
    "SalUnJointConfig",
    "ScrubConfig",
    "SelectiveAmnesiaConfig",
    "Setting",
    "StepConfig",
    "Trainable",
    "UceConfig",
    "Variant",
    "check_value",
    "parse_value",
    "setting",
]
