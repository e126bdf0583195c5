"""UCE: keys and values of the text in closed form."""

from __future__ import annotations

from typing import Literal

from sfr_core.catalog.base import ANY, Cost, MethodSpec, Parts, Preset
from sfr_core.configs.base import MethodConfig, checked, forgetting_setting, main_setting


@checked
class UceConfig(MethodConfig):
    """UCE: new keys and values of the text in closed form; nothing is trained."""

    erase_scale: float = main_setting(
        1.0,
        "Weight of erasing",
        "How much the concept's own prompts count. Higher erases more.",
        low=0.0,
        high=1e6,
        up="forgets",
    )
    preserve_scale: float = main_setting(
        1.0,
        "Weight of keeping",
        "How much other prompts count. Higher keeps them better.",
        low=0.0,
        high=1e6,
        up="keeps",
    )
    lam: float = main_setting(
        0.5,
        "Pull to the old weights",
        "How firmly the old weights are held. Higher changes them less.",
        symbol="λ",
        low=1e-9,
        high=1e6,
        up="keeps",
    )
    tokens: Literal["all", "last"] = forgetting_setting(
        "all",
        "Words",
        "Which words of a prompt are redirected: all, or only the last one (published; there the last word is the concept's name).",
    )


METHOD = {
    "text-to-image": MethodSpec(
        id="uce",
        title="UCE",
        summary="Solves for new keys and values of the text, in which the concept's words mean a neutral prompt.",
        order=14,
        config_cls=UceConfig,
        function="sfr_core.methods.uce:uce",
        requires=("Promptable",),
        paper="Gandikota et al., WACV 2024 (arXiv 2308.14761)",
        parts=Parts(
            forgetting="least squares towards the keys and values of a neutral prompt p′: ‖W p − W0 p′‖²",
            remaining="least squares towards the old keys and values of the other prompts q: ‖W q − W0 q‖²",
            manifold="Euclidean, on keys and values of the text only: λ ‖W − W0‖²",
        ),
        cost=lambda config, sizes: Cost(),
        presets={
            ANY: {
                "quick": Preset(
                    {}, "The published weights, on whole prompts: here a concept's name is seldom its last word."
                ),
                "thorough": Preset({"lam": 0.1}, "The quick values with a weaker pull to the old weights; not tuned."),
                "published": Preset(
                    {"tokens": "last"},
                    "The code of UCE (rohitgandikota/unified-concept-editing) as of 2025: weights 1 and 1, pull 0.5, last words.",
                ),
            },
        },
        redirects=True,
    )
}
