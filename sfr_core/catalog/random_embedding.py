"""A random class embedding in the place of the forgotten one."""

from __future__ import annotations

from sfr_core.catalog.base import ANY, Cost, MethodSpec, Parts, Preset
from sfr_core.configs.base import MethodConfig, checked, main_setting, setting


@checked
class RandomEmbeddingConfig(MethodConfig):
    """A random class embedding in the place of the forgotten one (RT†); nothing is trained."""

    spread: float = main_setting(
        1.0,
        "Spread",
        "How far the random embedding lies from those of the other classes. Higher: farther away.",
        low=0.0,
        high=10.0,
        up="forgets",
    )
    batch_size: int = setting(
        64,
        "Batch size",
        "Pictures that measure the loss. More measure it more exactly; the result stays the same.",
        low=1,
        high=1024,
    )


PROXY = Preset({}, "The paper's proxy of a retrained DiT; how its random embedding was drawn is not published.")
METHOD = {
    "dit": MethodSpec(
        id="random-embedding",
        title="Random embedding (RT†)",
        summary="Puts a random class embedding in the place of the forgotten one: a stand-in for a retrained model.",
        order=11,
        config_cls=RandomEmbeddingConfig,
        function="sfr_core.methods.random_embedding:random_embedding",
        requires=("Denoising",),
        paper="The proxy RT† of Huang et al., NeurIPS 2024 (arXiv 2409.19732)",
        parts=Parts(),
        cost=lambda config, sizes: Cost(),
        presets={ANY: {"quick": PROXY, "thorough": PROXY, "published": PROXY}},
    )
}
