"""Bad Teacher: a random network teaches the forget set."""

from __future__ import annotations

from sfr_core.catalog import sources
from sfr_core.catalog.base import ANY, FORWARD, SCATTERED, Cost, MethodSpec, Parts, Preset, Sizes, budgets
from sfr_core.configs.base import EpochConfig, checked, temperature_field


@checked
class BadTeacherConfig(EpochConfig):
    """Bad Teacher (BT): imitate a random network on the forget set and the original on the remain set."""

    temperature: float = temperature_field(1.0)


def _cost(config: BadTeacherConfig, sizes: Sizes) -> Cost:
    each = config.epochs * (1 + 2 * FORWARD)  # both teachers look at every picture
    return Cost.training(config, forget=each * sizes.forget, remain=each * sizes.remain, networks=2)


METHOD = {
    "classifier": MethodSpec(
        id="bad-teacher",
        title="Bad Teacher",
        summary="Imitates a random network on the forget set and the original everywhere else.",
        order=8,
        config_cls=BadTeacherConfig,
        function="sfr_core.methods.bad_teacher:bad_teacher",
        requires=("Distillable",),
        paper="Chundawat et al., AAAI 2023 (arXiv 2205.08096)",
        parts=Parts(
            forgetting="descent towards the answers of a random network θ′: ∇KL(p_θ′ ‖ p_θ)",
            remaining="descent towards the answers of the original: ∇KL(p_θ0 ‖ p_θ)",
            manifold="Euclidean: δᵀ δ",
        ),
        cost=_cost,
        presets={
            ANY: {
                **budgets(sources.START, {"lr": 0.05}, {"epochs": 1}, {"epochs": 6}),
                "published": Preset(
                    {"lr": 0.02, "epochs": 10, "lr_schedule": "cosine", "temperature": 1.0}, sources.CIFAR
                ),
            },
            sources.FASHION: {"quick": Preset({"lr": 1.0, "epochs": 2, "temperature": 3.0}, sources.TUNED_CLASS)},
            sources.FASHION + SCATTERED: {
                "quick": Preset({"lr": 0.1, "epochs": 2, "temperature": 3.0}, sources.TUNED_TENTH)
            },
            sources.SWIN: {"published": Preset({**sources.SWIN_ADAMW, "temperature": 1.0}, sources.TINY_IMAGENET)},
        },
    )
}
