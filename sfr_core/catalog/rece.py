"""RECE: UCE, again and again on what still brings the concept back."""

from __future__ import annotations

from sfr_core.catalog.base import ANY, Cost, MethodSpec, Parts, Preset
from sfr_core.catalog.uce import UceConfig
from sfr_core.configs.base import checked, forgetting_setting, main_setting


@checked
class ReceConfig(UceConfig):
    """RECE: UCE, then rounds that find the words which now mean the concept, and redirect them too."""

    rounds: int = main_setting(
        3,
        "Rounds",
        "How often words that bring the concept back are found and redirected. More erase more.",
        low=0,
        high=100,
        up="forgets",
    )
    word_pull: float = forgetting_setting(
        1e-3,
        "Shortness of found words",
        "How short the found words are kept. Higher finds weaker words, and harms less.",
        symbol="λ′",
        low=1e-9,
        high=1e6,
    )


METHOD = {
    "text-to-image": MethodSpec(
        id="rece",
        title="RECE",
        summary="Repeats UCE on the words that would still bring the concept back.",
        order=24,
        config_cls=ReceConfig,
        function="sfr_core.methods.rece:rece",
        requires=("Promptable",),
        paper="Gong et al., ECCV 2024 (arXiv 2407.12383)",
        parts=Parts(
            forgetting="UCE for the concept's words p and then for the words c′ that now mean it: c′ = (λ′ I + Σ WᵀW)⁻¹ (Σ WᵀW0) p",
            remaining="least squares towards the present keys and values of the other prompts q: ‖W′ q − W q‖²",
            manifold="Euclidean, on keys and values of the text only: λ ‖W′ − W‖²",
        ),
        cost=lambda config, sizes: Cost(),
        presets={
            ANY: {
                "quick": Preset(
                    {"rounds": 2},
                    "UCE's quick values and two rounds: a first guess from the published values, not tuned.",
                ),
                "thorough": Preset(
                    {"lam": 0.1, "rounds": 5}, "As many rounds as published, on whole prompts; not tuned."
                ),
                "published": Preset(
                    {"lam": 0.1, "preserve_scale": 0.1, "rounds": 5, "word_pull": 1e-3, "tokens": "all"},
                    "The starting values of the authors' code for objects (CharlesGong12/RECE, 10ea80d), which keeps the empty prompt alone.",
                ),
            },
        },
        redirects=True,
    )
}
