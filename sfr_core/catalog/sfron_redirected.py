"""SFR-on redirected, for generators: SFR-on's mask and alternating steps with losses of ours (docs/adr/0030 to 0041, 0054)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields, replace
from typing import Literal

from sfr_core.catalog.base import FORWARD, Cost, MethodSpec, Parts, Sizes
from sfr_core.catalog.sfron import IN_BATCHES, SFRonConfig
from sfr_core.catalog.sfron import METHOD as SFRON
from sfr_core.catalog.sfron import cost as cost_of_sfron
from sfr_core.catalog.sfron_redirected_presets import DDPM, DIT, TEXT_TO_IMAGE
from sfr_core.configs.base import Trainable, checked, forgetting_setting, part_field, repair_setting, setting
from sfr_core.errors import InputError

GAP_PICTURES = 48
"""Looked at twice before a forgetting step that may be left out (RedirectedConfig.forget_until)."""


@checked
class RedirectedConfig(SFRonConfig):
    """SFR-on and what we add to it. The defaults add nothing: a run is then SFR-on's own, and the presets say what is added."""

    forget_loss: Literal["ascent", "redirect", "relative"] = forgetting_setting(  # type: ignore[assignment]  # one value more
        "ascent",
        "Forget loss",
        "Climb the loss of the forget set (ascent), move to another class's or prompt's prediction (redirect), or move there by the same share at every noise level (relative).",
    )
    other: Literal["next", "farthest"] = forgetting_setting(
        "next",
        "Other answer",
        "Which class a relative forget loss moves to: the next by number, or the one with the most different predictions (a prompt has its redirection).",
    )
    remain_loss: Literal["data", "recall"] = repair_setting(
        "data", "Remain loss", "Repair towards the data (as SFR-on does), or towards the original's predictions."
    )
    recall_weights: Literal["equal", "noise"] = repair_setting(
        "equal", "Weights of the recall", "Count errors at all noise levels alike, or more at higher noise levels."
    )
    forget_until: float | None = forgetting_setting(
        None,
        "Forget until",
        "Forgetting steps are skipped while the label raises the loss by at least this (natural logarithm of the ratio). Higher forgets longer. Empty: none is skipped.",
        symbol="g",
        low=1e-3,
        high=10.0,
    )
    forget_steps: int | None = forgetting_setting(
        None,
        "Forget in the first",
        "Higher forgets longer, then only repairs. Empty: all.",
        low=1,
        high=20000,
        up="forgets",
    )
    forget_down_to: float | None = forgetting_setting(
        None,
        "Forget down to",
        "A higher value stops forgetting earlier: once the mean of five relative forget losses is no higher, the run only repairs. Empty: never.",
        symbol="r",
        low=1e-4,
        high=1.0,
    )
    lr_warmup: int = setting(0, "Warm-up", "More give a gentler start: the rate rises over them.", low=0, high=10000)

    @classmethod
    def of(cls, config: SFRonConfig) -> RedirectedConfig:
        """The same run with every setting of ours, so that one loop reads both: SFR-on's own has none of them switched on."""
        if isinstance(config, RedirectedConfig):
            return config
        return RedirectedConfig(**{field.name: getattr(config, field.name) for field in fields(SFRonConfig)})

    @property
    def recalls(self) -> bool:
        """Whether the run needs the model as it was before."""
        return self.remain_loss == "recall" or self.forget_loss == "relative"

    def check_abilities(self, have: Collection[str]) -> None:
        SFRonConfig.check_abilities(self, have)
        if self.recalls and "Denoising" not in have:
            raise InputError(
                "Only a generator's earlier predictions can be recalled.",
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
class ConceptRedirectedConfig(RedirectedConfig):
    """SFR-on redirected for a concept."""

    trainable: Trainable = part_field("full")


def cost(config: RedirectedConfig, sizes: Sizes) -> Cost:
    """SFR-on's cost, and what the losses of ours ask the network beside it."""
    forget = min(config.batch_size, sizes.forget)
    # The prediction for another label is asked first, and where a share of the way is measured, the old one for the own label.
    each = forget * (1 + FORWARD * {"redirect": 1, "relative": 2}.get(config.forget_loss, 0))
    if config.forget_until is not None:  # how many steps are left out shows only in the run
        each += 2 * FORWARD * min(config.batch_size, GAP_PICTURES)
    forgetting = -(-min(config.steps, config.forget_steps or config.steps) // config.forget_every)
    plain = cost_of_sfron(config, sizes)
    return replace(
        plain,
        forget=forgetting * each,
        forgetting=forgetting,
        remain=plain.remain * (1 + FORWARD * (config.remain_loss == "recall")),
        networks=int(config.recalls),
    )


_DDPM = replace(
    SFRON["ddpm"],
    id="sfr-on-redirected",
    title="SFR-on redirected",
    summary="Our variant of SFR-on: moves the forgotten class to another class's prediction, and repairs towards the original's predictions.",
    order=1,
    config_cls=RedirectedConfig,
    paper="Ours (docs/adr/0030 to 0041), on the mask and the alternating steps of Huang et al., NeurIPS 2024 (arXiv 2409.19732)",
    parts=Parts(
        mask=SFRON["ddpm"].parts.mask,
        forgetting="descent by a share of the way to another class's prediction: ∥ε − ε0(other)∥² / ∥ε0 − ε0(other)∥²",
        remaining="descent towards the original's predictions: ∥ε − ε0∥²",
        manifold=SFRON["ddpm"].parts.manifold,
    ),
    cost=cost,
    presets=DDPM,
    as_written=lambda preset: IN_BATCHES,
)
METHOD: dict[str, MethodSpec] = {
    "ddpm": _DDPM,
    "dit": replace(_DDPM, presets=DIT, as_written=lambda preset: {**IN_BATCHES, "mask": True}),
    "text-to-image": replace(
        _DDPM,
        summary="Our variant of SFR-on: moves the concept to its replacement at every noise level alike, and repairs towards the original's predictions.",
        config_cls=ConceptRedirectedConfig,
        requires=("Redirectable",),
        parts=replace(
            _DDPM.parts,
            forgetting="descent by a share of the way to the prediction for another prompt: ∥ε − ε0(other)∥² / ∥ε0 − ε0(other)∥²",
        ),
        presets=TEXT_TO_IMAGE,
    ),
}
