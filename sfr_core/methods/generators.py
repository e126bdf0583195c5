"""The methods for generators, in the order in which they are shown. No torch.

A method that classifiers know too keeps its id and its paper; its config and its function may be others.
"""

from __future__ import annotations

from dataclasses import replace

from sfr_core.configs import (
    AscentStepsConfig,
    FinetuneStepsConfig,
    JointConfig,
    RandomEmbeddingConfig,
    RetrainStepsConfig,
    SalUnJointConfig,
    SelectiveAmnesiaConfig,
)
from sfr_core.methods.classifiers import METHODS
from sfr_core.methods.spec import MethodSpec

GENERATOR_METHODS: dict[str, MethodSpec] = {
    "sfr-on": replace(
        METHODS["sfr-on"],
        parts={
            **METHODS["sfr-on"].parts,
            "forgetting": "ascent with adaptive weights, or by our presets a share of the way to another class's answer",
            "remaining": "descent on the true noise, or by our presets on what the model said before",
        },
    ),
    "retrain": replace(
        METHODS["retrain"],
        summary="Trains a new model that never saw the forgotten classes: hours, so the page shows what a card ships.",
        config_cls=RetrainStepsConfig,
        function="sfr_core.methods.retrain:retrain_steps",
        requires=("Restartable",),
    ),
    "finetune": replace(
        METHODS["finetune"],
        summary="Goes on training on the remaining classes and waits for the rest to fade.",
        config_cls=FinetuneStepsConfig,
        function="sfr_core.methods.finetune:finetune_steps",
    ),
    "gradient-ascent": replace(
        METHODS["gradient-ascent"],
        config_cls=AscentStepsConfig,
        function="sfr_core.methods.gradient_ascent:gradient_ascent_steps",
    ),
    "joint": MethodSpec(
        id="joint",
        title="Joint loss",
        summary="Forgets and repairs in one and the same step: what SFR-on is without its three parts.",
        config_cls=JointConfig,
        function="sfr_core.methods.joint:joint",
        paper="The ablation R of Huang et al., NeurIPS 2024 (arXiv 2409.19732)",
        parts={
            "mask": "",
            "forgetting": "ascent, all weights 1, in the same step",
            "remaining": "descent on the remain set",
            "manifold": "Euclidean",
        },
    ),
    "salun": replace(
        METHODS["salun"],
        summary="Draws another class where the forgotten one is asked for, with the weights that matter most for it.",
        config_cls=SalUnJointConfig,
        function="sfr_core.methods.salun:salun_joint",
        requires=("Redirectable",),
        parts={
            "mask": "largest share of |forget gradient|, also on the remain loss",
            "forgetting": "descent towards the answer for another class",
            "remaining": "descent on the remain set, in the same step",
            "manifold": "Euclidean",
        },
    ),
    "selective-amnesia": MethodSpec(
        id="selective-amnesia",
        title="Selective Amnesia",
        summary="Teaches noise in place of the forgotten class and holds every weight where the old Fisher says it matters.",
        config_cls=SelectiveAmnesiaConfig,
        function="sfr_core.methods.selective_amnesia:selective_amnesia",
        requires=("Replayable",),
        paper="Heng and Soh, NeurIPS 2023 (arXiv 2305.10120)",
        parts={
            "mask": "",
            "forgetting": "descent towards noise pictures",
            "remaining": "replay of the remaining classes",
            "manifold": "diagonal Fisher at the first weights, as a penalty",
        },
    ),
}
"""Every method that works on a class-conditional diffusion model, in the order in which it is shown."""

DIT_METHODS: dict[str, MethodSpec] = {
    **GENERATOR_METHODS,
    "random-embedding": MethodSpec(
        id="random-embedding",
        title="Random embedding (RT†)",
        summary="Puts a random class embedding in the place of the forgotten one: a stand-in for retraining, not a gold standard.",
        config_cls=RandomEmbeddingConfig,
        function="sfr_core.methods.random_embedding:random_embedding",
        requires=("ClassEmbedded",),
        paper="The proxy RT† of Huang et al., NeurIPS 2024 (arXiv 2409.19732)",
        parts={"mask": "", "forgetting": "", "remaining": "", "manifold": ""},
    ),
}
"""Every method that works on a class-conditional latent diffusion transformer."""
