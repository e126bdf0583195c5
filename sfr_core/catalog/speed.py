"""SPEED: an edit of the text's values that other concepts cannot see."""

from __future__ import annotations

from typing import Literal

from sfr_core.catalog.base import ANY, Cost, MethodSpec, Parts, Preset
from sfr_core.configs.base import MethodConfig, checked, forgetting_setting, main_setting, repair_setting


@checked
class SpeedConfig(MethodConfig):
    """SPEED: new values of the text in closed form, within the null space of what is kept; nothing is trained."""

    null_threshold: float = repair_setting(
        0.1,
        "Null space below",
        "Directions count as unused where the kept prompts have less than this in them. Higher erases more and harms more.",
        low=0.0,
        high=1e6,
        up="forgets",
    )
    lam: float = main_setting(
        1.0,
        "Pull to the old weights",
        "How firmly the old weights are held. Higher changes them less.",
        symbol="λ",
        low=1e-9,
        high=1e6,
        up="keeps",
    )
    filtered: bool = repair_setting(
        True,
        "Keep only the endangered",
        "On: only prompts that a plain edit would change more than the average are protected, so more room is left. Off: all.",
    )
    tokens: Literal["all", "last"] = forgetting_setting(
        "all", "Words", "Which words of a prompt are redirected: all, or only the last one (published)."
    )


METHOD = {
    "text-to-image": MethodSpec(
        id="speed",
        title="SPEED",
        summary="Solves for new values of the text that change the concept's words in directions which the endangered other prompts hardly use.",
        order=25,
        config_cls=SpeedConfig,
        function="sfr_core.methods.speed:speed",
        requires=("Promptable",),
        paper="Li et al., ICLR 2026 (arXiv 2503.07392)",
        parts=Parts(
            forgetting="least squares towards the values of a neutral prompt p′: ‖W p − W0 p′‖²",
            remaining="hardly a change on the prompts most in danger, none on the start and on the centres of the empty prompt: Δ q ≈ 0",
            manifold="Euclidean, on values of the text in the null space P of the other prompts: λ ‖Δ P‖²",
        ),
        cost=lambda config, sizes: Cost(),
        presets={
            ANY: {
                "quick": Preset(
                    {}, "The published values, on whole prompts: here a concept's name is seldom its last word."
                ),
                "thorough": Preset({"lam": 0.1}, "The quick values with a weaker pull to the old weights; not tuned."),
                "published": Preset(
                    {"tokens": "last"},
                    "SPEED's paper as our notes of its formulas have it: threshold 0.1, pull 1, last words; without its noise on kept prompts.",
                ),
            },
        },
        redirects=True,
    )
}
