"""The methods for classifiers, in the order in which they are shown. No torch."""

from __future__ import annotations

from sfr_core.configs import (
    BadTeacherConfig,
    FinetuneConfig,
    GradientAscentConfig,
    RandomLabelConfig,
    RetrainConfig,
    SalUnConfig,
    ScrubConfig,
    SFRonConfig,
)
from sfr_core.methods.spec import MethodSpec

METHODS: dict[str, MethodSpec] = {
    "sfr-on": MethodSpec(
        id="sfr-on",
        title="SFR-on",
        summary="Forgets fast where the forget set matters most and repairs what remains in small steps between.",
        config_cls=SFRonConfig,
        function="sfr_core.methods.sfron:sfron",
        paper="Huang et al., NeurIPS 2024 (arXiv 2409.19732)",
        parts={
            "mask": "ratio of the diagonal Fishers of forget and remain set, at least gamma",
            "forgetting": "ascent with adaptive weights 1/loss^lambda that fade to zero",
            "remaining": "descent on the remain set",
            "manifold": "remain curvature at the present weights, implicit in fast and slow steps",
        },
    ),
    "retrain": MethodSpec(
        id="retrain",
        title="Retrain",
        summary="Trains a new model that never saw the forget set: exact, slow, and the measure of all others.",
        config_cls=RetrainConfig,
        function="sfr_core.methods.retrain:retrain",
        requires=("Distillable",),
        paper="Exact unlearning; see Bourtoule et al., IEEE S&P 2021 (arXiv 1912.03817)",
        parts={
            "mask": "",
            "forgetting": "",
            "remaining": "descent on the remain set, from random weights",
            "manifold": "",
        },
    ),
    "finetune": MethodSpec(
        id="finetune",
        title="Fine-tuning",
        summary="Goes on training on the remain set and waits for the rest to fade.",
        config_cls=FinetuneConfig,
        function="sfr_core.methods.finetune:finetune",
        paper="Warnecke et al., NDSS 2023 (arXiv 2108.11577)",
        parts={"mask": "", "forgetting": "", "remaining": "descent on the remain set", "manifold": "Euclidean"},
    ),
    "gradient-ascent": MethodSpec(
        id="gradient-ascent",
        title="Gradient ascent",
        summary="Climbs the loss of the forget set and looks at nothing else.",
        config_cls=GradientAscentConfig,
        function="sfr_core.methods.gradient_ascent:gradient_ascent",
        paper="Thudi et al., EuroS&P 2022 (arXiv 2109.13398)",
        parts={"mask": "", "forgetting": "ascent, all weights 1", "remaining": "", "manifold": "Euclidean"},
    ),
    "random-label": MethodSpec(
        id="random-label",
        title="Random label",
        summary="Gives every forget picture one wrong label and trains on everything.",
        config_cls=RandomLabelConfig,
        function="sfr_core.methods.random_label:random_label",
        requires=("Distillable", "Redirectable"),
        paper="Golatkar et al., CVPR 2020 (arXiv 1911.04933)",
        parts={
            "mask": "",
            "forgetting": "descent towards fixed wrong labels",
            "remaining": "descent on the remain set",
            "manifold": "Euclidean",
        },
    ),
    "salun": MethodSpec(
        id="salun",
        title="SalUn",
        summary="Random label, but only the weights that matter most for the forget set may follow the gradient.",
        config_cls=SalUnConfig,
        function="sfr_core.methods.salun:salun",
        requires=("Distillable", "Redirectable"),
        paper="Fan et al., ICLR 2024 (arXiv 2310.12508)",
        parts={
            "mask": "largest share of |forget gradient|, also on remain rows",
            "forgetting": "descent towards fixed wrong labels",
            "remaining": "descent on the remain set",
            "manifold": "Euclidean",
        },
    ),
    "bad-teacher": MethodSpec(
        id="bad-teacher",
        title="Bad Teacher",
        summary="Imitates a random network on the forget set and the original everywhere else.",
        config_cls=BadTeacherConfig,
        function="sfr_core.methods.bad_teacher:bad_teacher",
        requires=("Distillable",),
        paper="Chundawat et al., AAAI 2023 (arXiv 2205.08096)",
        parts={
            "mask": "",
            "forgetting": "descent towards the answers of a random network",
            "remaining": "descent towards the answers of the original",
            "manifold": "Euclidean",
        },
    ),
    "scrub": MethodSpec(
        id="scrub",
        title="SCRUB",
        summary="Disobeys the original on the forget set, then obeys it on the remain set.",
        config_cls=ScrubConfig,
        function="sfr_core.methods.scrub:scrub",
        requires=("Distillable",),
        paper="Kurmanji et al., NeurIPS 2023 (arXiv 2302.09880)",
        parts={
            "mask": "",
            "forgetting": "ascent on the divergence from the original",
            "remaining": "descent on the remain loss and the divergence from the original",
            "manifold": "Euclidean",
        },
    ),
}
"""Every method that works on a classifier, in the order in which it is shown."""
