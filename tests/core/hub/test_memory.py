"""What a run holds, by hand and against what autograd really keeps."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from sfr_core.cancel import CancelToken
from sfr_core.catalog import BY_KIND, spec_of
from sfr_core.catalog.base import Cost, Sizes
from sfr_core.hub.memory import Kept, in_words, kept_by_autograd, needed_memory
from sfr_core.ops.stepwise import drained
from sfr_core.presets import resolve
from tests.core.tiny_dit import tiny_dit
from tests.core.tiny_sd import LENGTH, WIDTH, sd_session, tiny_cond_unet

ADAM = {"trained": 1000, "still": 0, "activations": 7, "optimizer": "adam"}
TUNE = Cost(batch=3, batches=1, optimizers=1)
SPARED = {"rest": 300, "spare": True, "half": True}


def cost(kind: str, method: str, **changes: Any) -> Cost:
    spec = spec_of(method, kind)
    config = spec.config_cls.from_dict(resolve("tiny", method, overrides=changes, kind=kind))
    return spec.cost(config, Sizes(forget=9, remain=9, classes=3))


@pytest.mark.parametrize(
    ("method", "settings", "held"),
    [
        # Weights; gradient 4, Adam 8, and on a GPU the update takes 4 more, which is more than the activations.
        (TUNE, {}, (4_000, 16_000, 0)),
        (TUNE, {"activations": 4_000}, (4_000, 12_000, 12_000)),
        (TUNE, {"optimizer": "adam8bit"}, (4_000, 6_000, 21)),
        # Of the same network and of the other parts nothing moves; a checker stays in single precision.
        (TUNE, {"rest": 300, "still": 500, "checker": 10}, (4_000 + 1_200 + 2_000 + 40, 16_000, 0)),
        # On a CPU the weights before lie beside, and no update takes more.
        (TUNE, {"on_gpu": False}, (8_000, 12_000, 21)),
        # A pass in half precision copies every weight of the network.
        (TUNE, {"rest": 300, "half": True, "activations": 4_000}, (5_200 + 2_600, 12_000, 12_000)),
        # Spared, what does not move is held in half precision and not copied, the checker apart.
        (TUNE, {**SPARED, "still": 500, "checker": 10, "activations": 4_000}, (7_640, 12_000, 12_000)),
        # In single precision only the blocks are recomputed.
        (TUNE, {"rest": 300, "spare": True}, (5_200, 16_000, 0)),
        # Both losses of a step wait for one backward pass, each with its copies.
        (replace(TUNE, batches=2), {"activations": 4_000, "half": True}, (8_000, 12_000, 24_000)),
        # A teacher is a whole copy, whose rest is spared as that of the network is.
        (replace(TUNE, networks=1), {"rest": 300}, (10_400, 16_000, 0)),
        (replace(TUNE, networks=1), SPARED, (9_200, 16_000, 0)),
        # The mask's byte stays; held weights lie aside while a step moves them; two optimisers, slow weights.
        (replace(TUNE, masks=1, fishers=2, fisher_batch=1), {}, (4_000, 17_000, 0)),
        (replace(TUNE, masks=1, aside=1), {}, (4_000, 21_000, 0)),
        (replace(TUNE, masks=1, tensors=1, optimizers=2), {}, (4_000, 29_000, 0)),
        # Gradient and sum, and on a CPU the first Fisher; a guided pass asks twice.
        (Cost(fishers=2, fisher_batch=900), {"questions": 2}, (4_000, 8_000, 12_600)),
        (Cost(fishers=2, fisher_batch=900), {"questions": 2, "on_gpu": False}, (8_000, 12_000, 12_600)),
        (Cost(fishers=1, fisher_batch=900), {"on_gpu": False}, (8_000, 8_000, 6_300)),
        # Two Fishers and the mask that is made of them.
        (Cost(fishers=2, fisher_batch=1, masks=1), {}, (4_000, 9_000, 0)),
        # Pictures are drawn with a copy in the end; a CPU holds the weights before and after beside.
        (Cost(), {}, (8_000, 0, 0)),
        (Cost(), {"on_gpu": False}, (16_000, 0, 0)),
    ],
)
def test_memory_by_hand(method: Cost, settings: dict[str, Any], held: tuple[int, int, int]) -> None:
    need = needed_memory(method, **{**ADAM, **settings})
    assert (need.weights, need.training, need.activations) == held
    assert need.total == sum(held)


def test_what_people_read() -> None:
    need = needed_memory(replace(TUNE, batches=2), **{**ADAM, "activations": 4_000, "half": True})
    assert need.sentence() == (
        "about 44 kB of memory: 8 kB for weights, 12 kB for gradients, optimiser and masks, 24 kB for a batch"
    )
    assert (
        needed_memory(Cost(), **ADAM).sentence() == "about 8 kB of memory: 8 kB for weights"
    )  # and nothing of nothing
    assert [in_words(n) for n in (12, 3_440, 5_000_000, 3_438_083_856)] == ["12 bytes", "3.44 kB", "5 MB", "3.44 GB"]


PLAIN = {"batch_size": 4, "fisher_batch_size": 3, "forget_loss": "redirect", "optimizer": "adam"}
STEPS = {"batch": 4, "batches": 1, "optimizers": 1}
FISHERS = {"masks": 1, "fishers": 2, "fisher_batch": 3}


@pytest.mark.parametrize(
    ("kind", "method", "changes", "holds"),
    [
        ("text-to-image", "finetune", {"batch_size": 4}, STEPS),
        ("text-to-image", "sfr-on", PLAIN, {**STEPS, **FISHERS}),
        ("dit", "sfr-on", {**PLAIN, "forget_loss": "ascent"}, {**STEPS, **FISHERS}),
        ("text-to-image", "sfr-on", {**PLAIN, "masked_weights": "hold"}, {**STEPS, **FISHERS, "aside": 1}),
        (
            "text-to-image",
            "sfr-on",
            {**PLAIN, "slow_beta": 0.5, "optimizer_state": "separate"},
            {**STEPS, **FISHERS, "tensors": 1, "optimizers": 2},
        ),
        ("text-to-image", "sfr-on", {**PLAIN, "mask": False}, STEPS),
        # What the model said before takes a copy of it while the run steps.
        ("text-to-image", "sfr-on-redirected", {**PLAIN, "remain_loss": "recall"}, {**STEPS, **FISHERS, "networks": 1}),
        (
            "text-to-image",
            "sfr-on-redirected",
            {**PLAIN, "forget_loss": "relative"},
            {**STEPS, **FISHERS, "networks": 1},
        ),
        # Both losses wait for one backward pass, behind the mask.
        (
            "text-to-image",
            "salun",
            {"batch_size": 4},
            {**STEPS, "batches": 2, "masks": 1, "fishers": 1, "fisher_batch": 4},
        ),
        # One picture at 20 timesteps; the Fisher, the start weights, their difference.
        (
            "dit",
            "selective-amnesia",
            {"batch_size": 4, "fisher_timesteps": 20},
            {**STEPS, "batches": 2, "tensors": 3, "fishers": 1, "fisher_batch": 20},
        ),
        (
            "text-to-image",
            "concept-ablation",
            {"batch_size": 4, "teacher": "frozen", "prior_weight": 1.0},
            {**STEPS, "batches": 2, "networks": 1},
        ),
        ("text-to-image", "concept-ablation", {"batch_size": 4, "teacher": "live", "prior_weight": 0.0}, STEPS),
        ("text-to-image", "esd-x", {"batch_size": 4}, {**STEPS, "networks": 1}),
        ("text-to-image", "esd-u", {"batch_size": 4}, {**STEPS, "networks": 1}),
        ("text-to-image", "uce", {}, {}),
        ("dit", "random-embedding", {}, {}),
        # One pass a step, whatever the method adds up of it: rows of both sets go through the network together.
        ("classifier", "finetune", {"batch_size": 4}, STEPS),
        ("classifier", "salun", {"batch_size": 4}, {**STEPS, "masks": 1, "fishers": 1, "fisher_batch": 4}),
        # One teacher, two of them (a random one too), and the fresh network whose weights are taken over.
        ("classifier", "scrub", {"batch_size": 4}, {**STEPS, "networks": 1}),
        ("classifier", "bad-teacher", {"batch_size": 4}, {**STEPS, "networks": 2}),
        ("classifier", "retrain", {"batch_size": 4}, {**STEPS, "networks": 1}),
        ("classifier", "gradient-ascent", {"batch_size": 4}, STEPS),
    ],
)
def test_what_each_method_holds(kind: str, method: str, changes: dict[str, Any], holds: dict[str, int]) -> None:
    found = cost(kind, method, **changes)
    names = ("batch", "batches", "networks", "optimizers", "tensors", "masks", "aside", "fishers", "fisher_batch")
    assert {name: getattr(found, name) for name in names if getattr(found, name)} == holds


def test_every_method_for_generators_is_counted() -> None:
    for kind in ("dit", "text-to-image"):
        for method in BY_KIND[kind]:
            settings = resolve("tiny", method, kind=kind)
            asks = method in ("esd-x", "esd-u", "retrain", "sfr-on-redirected") or settings.get("teacher") == "frozen"
            assert cost(kind, method).networks == int(asks), method


def inputs(n: int, side: int = 4) -> tuple[Tensor, ...]:
    return torch.zeros(n, 4, side, side), torch.zeros(n, dtype=torch.long), torch.zeros(n, LENGTH, WIDTH)


@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("finetune", {}), ("salun", {}), ("sfr-on", {"fisher_batches": 1, "fisher_batch_size": 2}), ("esd-x", {"trainable": "full"}),
        ("concept-ablation", {"prior_weight": 1.0, "trainable": "full"}), ("concept-ablation", {"prior_weight": 0.0, "trainable": "full"}),
    ],
)  # fmt: skip
def test_autograd_really_keeps_as_many_pictures(method: str, changes: dict[str, Any], tmp_path: Path) -> None:
    """The most that a run of each method holds for backward passes at any time, in pictures of one pass."""
    session = sd_session(tmp_path, method, steps=1, batch_size=2, **changes)
    drained(session.task.prepare())  # type: ignore[attr-defined]
    weights = {p.untyped_storage().data_ptr() for p in session.task.model.parameters()}
    held: Counter[int] = Counter()
    sizes: dict[int, int] = {}
    most = 0

    class Held:
        def __init__(self, tensor: Tensor) -> None:
            self.tensor, self.at = tensor, tensor.untyped_storage().data_ptr()
            held[self.at] += 1
            sizes[self.at] = tensor.untyped_storage().nbytes()

        def __del__(self) -> None:
            held[self.at] -= 1

    def pack(tensor: Tensor) -> Any:
        nonlocal most
        if tensor.untyped_storage().data_ptr() in weights:
            return tensor
        kept = Held(tensor)
        most = max(most, sum(sizes[at] for at, n in held.items() if n > 0))
        return kept

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor if isinstance(kept, Held) else kept):
        list(
            session.method.run(
                session.task, session.method_config, rng=torch.Generator().manual_seed(0), cancel=CancelToken()
            )
        )
    one = kept_by_autograd(tiny_cond_unet(), inputs, half=False).plain
    found = session.method.cost(session.method_config, Sizes(forget=9, remain=9, classes=3))
    assert most / one == pytest.approx(max(found.batches * found.batch, 2 * found.fisher_batch), rel=0.05)


@pytest.mark.parametrize(
    ("layers", "half", "size"),
    [
        # A linear layer keeps its input (3 numbers), a sigmoid its answer (2).
        ((nn.Linear(3, 2), nn.Sigmoid()), False, 20),
        ((nn.Linear(3, 2), nn.Sigmoid()), True, 10),
        # Norms stay in single precision, as a GPU has them: their input (2), mean and deviation; then 2 halves.
        ((nn.Linear(3, 2), nn.LayerNorm(2), nn.Linear(2, 2)), True, 6 + 8 + 8 + 4),
    ],
)
def test_layers_by_hand(layers: tuple[nn.Module, ...], half: bool, size: int) -> None:
    network = nn.Sequential(*layers)
    assert kept_by_autograd(network, lambda n: (torch.zeros(n, 3),), half=half) == Kept(size, size)


@pytest.mark.parametrize("side", [4, 16])
def test_a_real_pass_keeps_as_much(side: int) -> None:
    """Attention makes no matrix of queries by keys there either; recomputed blocks keep less."""
    found = kept_by_autograd(tiny_cond_unet(sample_size=side), lambda n: inputs(n, side), half=False)
    model = tiny_cond_unet(sample_size=side).train()
    assert found.plain == really_kept(model, side)
    model.enable_gradient_checkpointing()
    assert really_kept(model, side) < found.spared < found.plain


def really_kept(model: nn.Module, side: int) -> int:
    """Bytes that autograd holds of one picture on a CPU. Two numbers of randomness, which a kernel keeps too, are no activations."""
    kept: dict[int, Tensor] = {}
    weights = {p.untyped_storage()._cdata for p in model.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: kept.setdefault(t.untyped_storage()._cdata, t), lambda t: t
    ):
        model(*inputs(1, side))
    return sum(t.untyped_storage().nbytes() for at, t in kept.items() if at not in weights and t.is_floating_point())


def test_a_transformer_that_recomputes_keeps_less() -> None:
    for half in (False, True):
        found = kept_by_autograd(tiny_dit(), lambda n: (*inputs(n)[:2], inputs(n)[1]), half=half)
        assert 0 < found.spared < found.plain
