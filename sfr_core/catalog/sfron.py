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

UNSEEN_ROWS = 100
"""Test pictures of each class, at most, that say what a picture that was never seen looks like."""


@checked
class SFRonConfig(OptimizerConfig):
    """SFR-on (paper, sections 3 and 4; official variant: as the authors coded it)."""

    steps: int = main_setting(
        100, "Steps", "More steps forget and repair more, and take longer.", symbol="T", low=1, high=20000, up="both"
    )
    forget_every: int = main_setting(
        1,
        "Forget every",
        "Remain steps per forgetting step. More protect the rest better.",
        symbol="K",
        low=1,
        high=1000,
        up="keeps",
    )
    alpha: float = main_setting(
        10.0, "Forgetting strength", "Higher forgets more, harms more.", symbol="α", low=0.0, high=10000.0, up="forgets"
    )
    alpha_schedule: Literal["cosine", "linear", "quadratic", "constant"] = forgetting_setting(
        "cosine", "Fading of forgetting", "How the strength falls (paper: linear, published code: cosine)."
    )
    forget_loss: Literal["ascent", "redirect"] = forgetting_setting(
        "ascent",
        "Forget loss",
        "Climb the loss of the forget set (ascent), or move to another class's or prompt's prediction (redirect).",
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
        0.0,
        "Loss floor",
        "Higher limits the weight of pictures with tiny losses; a loss of exactly 0 would take all the weight.",
        low=0.0,
        high=10.0,
    )
    stop_when_unseen: bool = forgetting_setting(
        False,
        "Weigh by what looks unseen",
        "On: pictures that the model is surer of than of test pictures get up to twice the push, less sure ones hardly any (FaLW).",
        up="keeps",
    )
    unseen_tau: float = forgetting_setting(
        0.15,
        "Rare classes",
        "Higher treats small and large classes of the forget set more differently.",
        symbol="τ",
        low=0.0,
        high=1.0,
    )
    weight_scope: Literal["batch", "forget-set"] = forgetting_setting(
        "batch", "Weights sum to one over", "The push sums to one over the batch (code) or the forget set (paper)."
    )
    mask: bool = ablation_setting(
        True, "Saliency mask", "On: forget only where the forget set matters more (S).", symbol="m"
    )
    gamma: float = main_setting(
        1.0, "Mask threshold", "A higher value lets fewer weights forget.", symbol="γ", low=0.0, high=1e6, up="keeps"
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
        7.0,
        "Clip, forget step",
        "Higher allows larger steps. Empty: any.",
        symbol="c",
        low=1e-9,
        high=1e9,
        up="forgets",
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
    forget_optimizer: Literal["same", "adam", "adamw"] = setting(
        "same",
        "Optimiser of forgetting",
        "Adam or AdamW of its own for forgetting steps (DualOptim): the strength α then hardly matters. Or the same rule.",
    )
    forget_lr: float | None = setting(
        None,
        "Learning rate of forgetting",
        "Higher forgets more; forgetting then has a momentum of its own. Empty: that of all steps.",
        low=0.0,
        high=1.0,
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

    def check_abilities(self, have: Collection[str]) -> None:
        if self.forget_loss == "redirect" and "Redirectable" not in have:
            raise InputError(
                "This model knows no wrong answer to move to.", hint="Choose 'ascent' as the forget loss (forget_loss)."
            )
        if self.stop_when_unseen and (self.forget_loss != "ascent" or "Distillable" not in have):
            raise InputError(
                "Only a classifier that climbs its loss can tell which pictures look unseen.",
                hint="Switch 'Weigh by what looks unseen' off (stop_when_unseen: false).",
            )

    @property
    def separate(self) -> bool:
        """Whether forgetting steps have an optimiser of their own."""
        return self.optimizer_state == "separate" or self.forget_optimizer != "same" or self.forget_lr is not None


@checked
class ConceptSFRonConfig(SFRonConfig):
    """SFR-on for a concept (docs/reference.md, section 2.6): the published run redirects, with equal weights and constant strength."""

    trainable: Trainable = part_field("full")


def cost(config: SFRonConfig, sizes: Sizes) -> Cost:
    """A remain step in each outer step, a forgetting step in every `forget_every`, and the two Fishers of the mask."""
    limit = float("inf") if config.fisher_batches is None else config.fisher_batches * config.fisher_batch_size
    forgetting = -(-config.steps // config.forget_every)
    # A redirection asks for the prediction for another label first.
    each = min(config.batch_size, sizes.forget) * (1 + FORWARD * (config.forget_loss == "redirect"))
    return Cost.training(
        config,
        forget=forgetting * each,
        forgetting=forgetting,
        remain=config.steps * min(config.batch_size, sizes.remain),
        fisher=(min(sizes.forget, limit) + min(sizes.remain, limit) if config.mask else 0.0)
        + FORWARD * UNSEEN_ROWS * sizes.classes * config.stop_when_unseen,
        optimizers=2 if config.separate else 1,
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
    """Adaptive weights with the DDPM's values, which the published DiT code leaves out."""
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
    prepares=lambda config: ("fisher", "mask") if config.mask else (),
    cost=cost,
    presets=CLASSIFIER,
    as_written=lambda preset: AS_WRITTEN,
    redirects=True,
    together=True,
)
_DDPM = replace(_CLASSIFIER, presets=DDPM, as_written=lambda preset: IN_BATCHES)

METHOD = {
    "classifier": _CLASSIFIER,
    "ddpm": _DDPM,
    "dit": replace(_DDPM, presets=DIT, as_written=_of_transformer),
    "text-to-image": replace(
        _DDPM,
        summary="Redirects the concept where it matters most and repairs everything else in small steps between.",
        config_cls=ConceptSFRonConfig,
        requires=("Redirectable",),
        parts=replace(
            _DDPM.parts,
            forgetting="descent towards the prediction for a neutral prompt, or ascent: ∥ε(p) − ε(neutral)∥², or −∥ε(p) − noise∥²",
        ),
        presets=TEXT_TO_IMAGE,
    ),
}
