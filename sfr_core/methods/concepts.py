"""The methods for text-to-image models, in the order in which they are shown. No torch."""

from __future__ import annotations

from dataclasses import replace

from sfr_core.configs import (
    ConceptAblationConfig,
    ConceptAscentConfig,
    ConceptFinetuneConfig,
    ConceptSalUnConfig,
    ConceptSFRonConfig,
    EsdConfig,
    EsdUConfig,
    UceConfig,
)
from sfr_core.methods.generators import GENERATOR_METHODS
from sfr_core.methods.spec import MethodSpec

_ESD = MethodSpec(
    id="esd-x",
    title="ESD-x",
    summary="Turns the old model's guidance towards the concept round, in the layers that read the prompt.",
    config_cls=EsdConfig,
    function="sfr_core.methods.esd:esd",
    requires=("Promptable",),
    paper="Gandikota et al., ICCV 2023 (arXiv 2303.07345)",
    parts={
        "mask": "",
        "forgetting": "descent towards the old model's prediction beyond the unconditional one",
        "remaining": "",
        "manifold": "Euclidean, on cross-attention only",
    },
)

CONCEPT_METHODS: dict[str, MethodSpec] = {
    "sfr-on": replace(
        GENERATOR_METHODS["sfr-on"],
        summary="Redirects the concept where it matters most and repairs everything else in small steps between.",
        config_cls=ConceptSFRonConfig,
        requires=("Redirectable",),
        parts={
            **GENERATOR_METHODS["sfr-on"].parts,
            "forgetting": "descent towards the answer to a neutral prompt, or ascent",
        },
    ),
    "finetune": replace(
        GENERATOR_METHODS["finetune"],
        summary="Goes on training on everything else and waits for the concept to fade.",
        config_cls=ConceptFinetuneConfig,
    ),
    "gradient-ascent": replace(
        GENERATOR_METHODS["gradient-ascent"],
        summary="Climbs the loss on pictures of the concept and looks at nothing else.",
        config_cls=ConceptAscentConfig,
    ),
    "salun": replace(
        GENERATOR_METHODS["salun"],
        summary="Answers a neutral prompt where the concept is asked for, with the weights that matter most for it.",
        config_cls=ConceptSalUnConfig,
        parts={**GENERATOR_METHODS["salun"].parts, "forgetting": "descent towards the answer to a neutral prompt"},
    ),
    "esd-x": _ESD,
    "esd-u": replace(
        _ESD,
        id="esd-u",
        title="ESD-u",
        summary="Turns the old model's guidance towards the concept round, in all layers but those that read the prompt.",
        config_cls=EsdUConfig,
        parts={**_ESD.parts, "manifold": "Euclidean, on all but cross-attention"},
    ),
    "uce": MethodSpec(
        id="uce",
        title="UCE",
        summary="Solves for new keys and values of the text, in which the concept's words mean a neutral prompt.",
        config_cls=UceConfig,
        function="sfr_core.methods.uce:uce",
        requires=("Editable",),
        paper="Gandikota et al., WACV 2024 (arXiv 2308.14761)",
        parts={
            "mask": "",
            "forgetting": "least squares towards the keys and values of a neutral prompt",
            "remaining": "least squares towards the old keys and values of the other prompts",
            "manifold": "Euclidean, on keys and values of the text only",
        },
    ),
    "concept-ablation": MethodSpec(
        id="concept-ablation",
        title="Concept ablation",
        summary="Teaches the concept's prompts to predict what a neutral prompt predicts, on pictures of the neutral one.",
        config_cls=ConceptAblationConfig,
        function="sfr_core.methods.concept_ablation:concept_ablation",
        requires=("Promptable",),
        paper="Kumari et al., ICCV 2023 (arXiv 2303.13516)",
        parts={
            "mask": "",
            "forgetting": "descent towards the answer to a neutral prompt, on its pictures",
            "remaining": "descent on the pictures of the neutral prompt",
            "manifold": "Euclidean, on keys and values of the text only",
        },
    ),
}
"""Every method that works on a text-to-image model, in the order in which it is shown."""
