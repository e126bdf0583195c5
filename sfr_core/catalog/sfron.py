"""SFR-on, for every kind of model. Where the published code differs from the paper (arXiv 2409.19732), the field says so."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, Literal

from sfr_core.catalog.base import FORWARD, Cost, MethodSpec, Parts, Sizes
from sfr_core.catalog.sfron_presets import CLASSIFIER, DDPM, DIT, TEXT_TO_IMAGE
from sfr_core.configs.base import (
    OptimizerConfig,
    Trainable,
    ablation_setting,
    checked,
    forgetting_setting,
    main_setting,
    mask_setting,
    part_field,
    repair_setting,
    setting,
)
from sfr_core.errors import InputError

GAP_PICTURES = 48
"""Looked at twice before a forgetting step that may be left out (SFRonConfig.forget_until)."""


@checked
class SFRonConfig(OptimizerConfig):
    """SFR-on (paper, sections 3 and 4; official variant: as the authors coded it)."""

    steps: int = main_setting(
        100, "Steps", "More forget and repair more, and take longer.", symbol="T", low=1, high=20000
    )
    forget_every: int = main_setting(
        1, "Forget every", "Remain steps for each: more protects more.", symbol="K", low=1, high=1000
    )
    alpha: float = main_setting(
        10.0, "Forgetting strength", "Higher forgets more, harms more.", symbol="α", low=0.0, high=10000.0
    )
    alpha_schedule: Literal["cosine", "linear", "quadratic", "constant"] = forgetting_setting(
        "cosine", "Fading of forgetting", "How the strength falls (paper: linear, published code: cosine)."
    )
    forget_loss: Literal["ascent", "redirect", "relative"] = forgetting_setting(
        "ascent",
        "Forget loss",
        "Climb the loss of the forget set (ascent), move to another class's prediction (redirect), or move there by the same share at every noise level (relative; ours).",
    )
    other: Literal["next", "farthest"] = forgetting_setting(
        "next",
        "Other answer",
        "Which class a relative forget loss moves to: the next by number, or the one with the most different predictions (ours; a prompt has its redirection).",
    )
    remain_loss: Literal["data", "recall"] = repair_setting(
        "data", "Remain loss", "Repair towards the data (published), or the original's predictions (ours, generators)."
    )
    recall_weights: Literal["equal", "noise"] = repair_setting(
        "equal", "Weights of the recall", "Count errors at all timesteps alike, or more where more is noise (ours)."
    )
    forget_until: float | None = forgetting_setting(
        None,
        "Forget until",
        "A higher value forgets for longer: steps are left out while the label makes the loss larger by this logarithm (ours, generators only). Empty: none is left out.",
        symbol="g",
        low=1e-3,
        high=10.0,
    )
    forget_steps: int | None = forgetting_setting(
        None, "Forget in the first", "Higher forgets longer, then only repairs (ours). Empty: all.", low=1, high=20000
    )
    forget_down_to: float | None = forgetting_setting(
        None,
        "Forget down to",
        "A higher value stops forgetting earlier: once the mean of five relative forget losses is no higher, the run only repairs (ours). Empty: never.",
        symbol="r",
        low=1e-4,
        high=1.0,
    )
    adaptive: bool = ablation_setting(
        True, "Adaptive weights", "On: best-remembered samples get the largest push (F).", symbol="ε̃"
    )
    lam: float = forgetting_setting(
        0.5, "Temperature of the weights", "Higher weighs them more unequally; 0: equal.", symbol="λ", low=0.0, high=5.0
    )
    weight_eps: float = forgetting_setting(
        1e-15, "Floor in the weights", "Higher makes them more equal: added to loss^λ.", symbol="e", low=0.0, high=1.0
    )
    loss_floor: float = forgetting_setting(
        0.0, "Loss floor", "Higher limits what tiny losses weigh; an exact zero would weigh all.", low=0.0, high=10.0
    )
    weight_scope: Literal["batch", "forget-set"] = forgetting_setting(
        "batch", "Weights sum to one over", "The push sums to one over the batch (code) or the forget set (paper)."
    )
    mask: bool = ablation_setting(
        True, "Saliency mask", "On: forget only where the forget set matters more (S).", symbol="m"
    )
    gamma: float = main_setting(
        1.0, "Mask threshold", "A higher value lets fewer weights forget.", symbol="γ", low=0.0, high=1e6
    )
    mask_eps: float = mask_setting(
        1e-15, "Floor in the ratio", "Higher pulls small Fishers' ratios towards 1: added to both.", low=0.0, high=1.0
    )
    masked_weights: Literal["drift", "hold"] = mask_setting(
        "drift", "Masked weights", "In a forgetting step they drift by momentum and decay (code) or are held (paper)."
    )
    fisher_batches: int | None = mask_setting(
        None, "Fisher batches", "More give a steadier mask and take longer. Empty: one whole pass.", low=1, high=100000
    )
    fisher_batch_size: int = mask_setting(
        128, "Fisher batch size", "More average out single pictures, and need more memory.", low=1, high=1024
    )
    fisher_last_batch: Literal["keep", "drop"] = mask_setting(
        "keep", "Short last Fisher batch", "Keep it, at the weight of a full one (published code), or drop it."
    )
    fisher_clip: float | None = mask_setting(
        None, "Fisher clip", "Higher cuts fewer batch gradients before squaring. Empty: none.", low=1e-9, high=1e9
    )
    clip_forget: float | None = setting(
        7.0, "Clip, forget step", "Higher allows larger steps. Empty: any.", symbol="c", low=1e-9, high=1e9
    )
    clip_remain: float | None = setting(
        None, "Clip, remain step", "Higher allows larger steps. Empty: any.", low=1e-9, high=1e9
    )
    alternate: bool = ablation_setting(
        True, "Alternating steps", "On: forget and repair in turn (R-on). Off: one joint step (R)."
    )
    optimizer_state: Literal["shared", "separate"] = setting(
        "shared", "Optimiser state", "Share momentum between both kinds of steps (published), or not (DualOptim)."
    )
    adam_eps: float = setting(
        1e-8, "Floor in Adam", "Higher leaves weights alone whose gradient is rounding noise.", low=1e-12, high=1.0
    )
    slow_beta: float = repair_setting(
        1.0, "Slow weights", "Higher follows the fast weights closer; 1 at once.", symbol="β", low=0.0, high=1.0
    )
    slow_scope: Literal["step", "outer"] = repair_setting(
        "step", "Slow weights move after", "They move after every step (code) or every forget-and-repair cycle (paper)."
    )
    lr_schedule: Literal["cosine", "constant"] = setting(
        "cosine", "Learning-rate schedule", "Falls to zero by a cosine over the run, or stays constant."
    )
    lr_warmup: int = setting(
        0, "Warm-up", "More give a gentler start: the rate rises over them (ours).", low=0, high=10000
    )

    @property
    def recalls(self) -> bool:
        """Whether the run needs the model as it was before."""
        return self.remain_loss == "recall" or self.forget_loss == "relative"

    def check_abilities(self, have: Collection[str]) -> None:
        if self.forget_loss == "redirect" and "Redirectable" not in have:
            raise InputError(
                "This model knows no wrong answer to move to.", hint="Choose 'ascent' as the forget loss (forget_loss)."
            )
        if self.recalls and "Denoising" not in have:
            raise InputError(
                "Only a generator's answers from before can be recalled.",
                hint="Choose 'data' as the remain loss (remain_loss) and 'ascent' or 'redirect' as the forget loss (forget_loss).",
            )
        if self.forget_down_to is not None and self.forget_loss != "relative":
            raise InputError(
                "Only the relative forget loss says what share of the way is left.",
                hint="Leave 'Forget down to' empty (forget_down_to: none), or choose 'relative' as the forget loss (forget_loss).",
            )
        if self.forget_until is not None and "Denoising" not in have:
            raise InputError(
                "Only a generator can be asked without a label.",
                hint="Leave 'Forget until' empty (forget_until: none).",
            )


@checked
class ConceptSFRonConfig(SFRonConfig):
    """SFR-on for a concept (docs/reference.md, section 2.6): the published run redirects, with equal weights and constant strength."""

    trainable: Trainable = part_field("full")


def cost(config: SFRonConfig, sizes: Sizes) -> Cost:
    """A remain step in each outer step, a forgetting step in every `forget_every`, and the two Fishers of the mask."""
    forget = min(config.batch_size, sizes.forget)
    # The answer to another label is asked first, and where a share of the way is measured, the old one to the own label.
    each = forget * (1 + FORWARD * {"redirect": 1, "relative": 2}.get(config.forget_loss, 0))
    if config.forget_until is not None:  # how many steps are left out shows only in the run
        each += 2 * FORWARD * min(config.batch_size, GAP_PICTURES)
    forgetting = -(-min(config.steps, config.forget_steps or config.steps) // config.forget_every)
    limit = float("inf") if config.fisher_batches is None else config.fisher_batches * config.fisher_batch_size
    return Cost.training(
        config,
        forget=forgetting * each,
        forgetting=forgetting,
        remain=config.steps * min(config.batch_size, sizes.remain) * (1 + FORWARD * (config.remain_loss == "recall")),
        fisher=min(sizes.forget, limit) + min(sizes.remain, limit) if config.mask else 0.0,
        networks=int(config.recalls),
        optimizers=2 if config.optimizer_state == "separate" else 1,
        tensors=int(config.slow_beta != 1.0),
        masks=int(config.mask),
        aside=int(config.mask and config.masked_weights == "hold"),
        fishers=2 if config.mask else 0,
        fisher_batch=config.fisher_batch_size if config.mask else 0,
    )


AS_WRITTEN = {
    "alpha_schedule": "linear",
    "weight_scope": "forget-set",
    "masked_weights": "hold",
    "fisher_last_batch": "drop",
    "slow_scope": "outer",
    "loss_floor": 1e-4,
}
"""What the paper does in another way than the published code (docs/reference.md, sections 2.7 and 6)."""
IN_BATCHES = {**AS_WRITTEN, "weight_scope": "batch"}
"""Of generators: weights that sum to one over 6,000 pictures would need a pass over all in every step."""
WEIGHED = 8
"""Pictures of a batch, at least, whose adaptive weights can differ; the published batch of the DiT is one."""


def _of_transformer(preset: Mapping[str, Any]) -> dict[str, Any]:
    """Adaptive weights with the DDPM's values, which the published DiT code leaves out.

    A loss that moves to another answer has none: they push hardest where it has already arrived (docs/adr/0024).
    """
    if preset.get("forget_loss", "ascent") != "ascent":
        return {**IN_BATCHES, "mask": True}
    weights = {"adaptive": True, "lam": 0.5, "weight_eps": 1e-8, "mask": True}
    return {**IN_BATCHES, **weights, "batch_size": max(WEIGHED, preset["batch_size"])}


_CLASSIFIER = MethodSpec(
    id="sfr-on",
    title="SFR-on",
    summary="Forgets fast where the forget set matters most and repairs what remains in small steps between.",
    order=0,
    config_cls=SFRonConfig,
    function="sfr_core.methods.sfron:sfron",
    paper="Huang et al., NeurIPS 2024 (arXiv 2409.19732)",
    parts=Parts(
        mask="ratio of the diagonal Fishers of forget and remain set, at least gamma: F_f / F_r ≥ γ",
        forgetting="ascent with adaptive weights 1/loss^lambda that fade to zero: −α (1 − t/T) Σ ε̃_i ∇ℓ_i, ε̃_i ∝ 1/ℓ_i^λ",
        remaining="descent on the remain set: g_r",
        manifold="remain curvature at the present weights, implicit in fast and slow steps: δᵀ H_r δ",
    ),
    cost=cost,
    presets=CLASSIFIER,
    as_written=lambda preset: AS_WRITTEN,
    redirects=True,
    together=True,
)
_DDPM = replace(
    _CLASSIFIER,
    parts=replace(
        _CLASSIFIER.parts,
        forgetting="ascent with adaptive weights, or by our presets a share of the way to another class's answer",
        remaining="descent on the true noise, or by our presets on what the model said before",
    ),
    presets=DDPM,
    as_written=lambda preset: IN_BATCHES,
)

METHOD = {
    "classifier": _CLASSIFIER,
    "ddpm": _DDPM,
    "dit": replace(_DDPM, presets=DIT, as_written=_of_transformer),
    "text-to-image": replace(
        _DDPM,
        summary="Redirects the concept where it matters most and repairs everything else in small steps between.",
        config_cls=ConceptSFRonConfig,
        requires=("Redirectable",),
        parts=replace(_DDPM.parts, forgetting="descent towards the answer to a neutral prompt, or ascent"),
        presets=TEXT_TO_IMAGE,
    ),
}
