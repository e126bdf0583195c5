"""What each method holds, counted by hand from its loop: bytes for each trained weight, pictures and passes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from sfr_core.cancel import CancelToken
from sfr_core.catalog import BY_KIND
from sfr_core.hub.activations import count_activations
from sfr_core.hub.memory import Phase
from sfr_core.hub.phases import asks_a_teacher, phases_of
from sfr_core.ops.stepwise import drained
from sfr_core.presets import resolve
from tests.core.tiny_sd import LENGTH, WIDTH, sd_session, tiny_cond_unet

DRAWING = Phase(per_weight=0, copies=1)


def of(kind: str, method: str, *, on_gpu: bool = True, **changes: Any) -> list[Phase]:
    settings = resolve("tiny", method, overrides=changes, kind=kind)
    return list(phases_of(kind, method, settings, on_gpu=on_gpu))


def test_fine_tuning_by_hand() -> None:
    # Gradient 4, Adam 8; on a GPU the update takes 4 more. Pictures are drawn with a copy in the end.
    tune = of("text-to-image", "finetune", batch_size=3)
    assert tune == [Phase(per_weight=12, batch=3, passes=1), Phase(per_weight=16), DRAWING]
    # On a CPU the weights before lie beside, and in the end those after too.
    held = of("text-to-image", "finetune", batch_size=3, on_gpu=False)
    assert held == [
        Phase(per_weight=12, batch=3, passes=1, copies=1),
        Phase(per_weight=12, copies=1),
        Phase(per_weight=0, copies=3),
    ]
    eight = of("text-to-image", "finetune", batch_size=3, optimizer="adam8bit")
    assert eight[:2] == [Phase(per_weight=6, batch=3, passes=1), Phase(per_weight=6)]


def test_sfr_on_by_hand() -> None:
    plain = {
        "batch_size": 4,
        "fisher_batch_size": 3,
        "forget_loss": "redirect",
        "remain_loss": "data",
        "optimizer": "adam",
    }
    # Gradient and Fisher of pictures that a guided prediction asks twice; two Fishers and the mask; gradient, Adam, mask.
    assert of("text-to-image", "sfr-on", **plain) == [
        Phase(per_weight=8, batch=6, passes=1), Phase(per_weight=9), Phase(per_weight=13, batch=4, passes=1),
        Phase(per_weight=17), DRAWING,
    ]  # fmt: skip
    assert of("dit", "sfr-on", **{**plain, "forget_loss": "ascent"})[0].batch == 3
    # On a CPU the first Fisher waits in the same memory.
    assert of("text-to-image", "sfr-on", on_gpu=False, **plain)[0] == Phase(per_weight=12, batch=6, passes=1, copies=1)
    held = of("text-to-image", "sfr-on", masked_weights="hold", **plain)
    assert (held[2].per_weight, held[3].per_weight) == (13, 21)
    slow = of("text-to-image", "sfr-on", slow_beta=0.5, optimizer_state="separate", **plain)
    assert slow[2].per_weight == 13 + 4 + 8
    assert len(of("text-to-image", "sfr-on", mask=False, **plain)) == 3
    # What the model said before takes a copy of it while the run steps, not while the mask is made.
    for asked in ({"remain_loss": "recall"}, {"forget_loss": "relative"}):
        recalls = of("text-to-image", "sfr-on", **{**plain, **asked})
        assert [phase.copies for phase in recalls] == [0, 0, 1, 1, 1]


def test_salun_by_hand() -> None:
    # The sum and a gradient of a guided pass; then both losses wait for one backward pass, behind the mask.
    assert of("text-to-image", "salun", batch_size=4) == [
        Phase(per_weight=8, batch=8, passes=1), Phase(per_weight=13, batch=4, passes=2), Phase(per_weight=17), DRAWING,
    ]  # fmt: skip


def test_selective_amnesia_by_hand() -> None:
    # One picture at 20 timesteps; then gradient 4, Adam 8, Fisher 4, start weights 4, their difference 4.
    assert of("dit", "selective-amnesia", batch_size=4, fisher_timesteps=20) == [
        Phase(per_weight=8, batch=20, passes=1), Phase(per_weight=24, batch=4, passes=2), Phase(per_weight=28), DRAWING,
    ]  # fmt: skip


def test_concept_ablation_by_hand() -> None:
    both = {"batch_size": 4, "teacher": "frozen", "prior_weight": 1.0}
    assert of("text-to-image", "concept-ablation", **both)[0] == Phase(per_weight=12, batch=4, passes=2, copies=1)
    alone = of("text-to-image", "concept-ablation", batch_size=4, teacher="live", prior_weight=0.0)
    assert alone[0] == Phase(per_weight=12, batch=4, passes=1)


@pytest.mark.parametrize(("kind", "method"), [("text-to-image", "uce"), ("dit", "random-embedding")])
def test_what_is_not_trained_takes_no_training(kind: str, method: str) -> None:
    assert of(kind, method) == [DRAWING]


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

    class Kept:
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
        kept = Kept(tensor)
        most = max(most, sum(sizes[at] for at, n in held.items() if n > 0))
        return kept

    def picture(dtype: torch.dtype) -> tuple[Tensor, ...]:
        return (
            torch.zeros(1, 4, 4, 4, dtype=dtype),
            torch.zeros(1, dtype=torch.long),
            torch.zeros(1, LENGTH, WIDTH, dtype=dtype),
        )

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor if isinstance(kept, Kept) else kept):
        list(
            session.method.run(
                session.task, session.method_config, rng=torch.Generator().manual_seed(0), cancel=CancelToken()
            )
        )
    one = count_activations(tiny_cond_unet, picture, half=False).plain
    phases = phases_of("text-to-image", method, session.method_config.to_dict(), on_gpu=True)
    assert most / one == pytest.approx(max(phase.batch * phase.passes for phase in phases), rel=0.05)


def test_classifiers_by_hand() -> None:
    # Gradient and momentum of SGD; one pass a step, whatever the method adds up of it.
    tune = of("classifier", "finetune", batch_size=3, optimizer="sgd")
    assert tune == [Phase(per_weight=8, batch=3, passes=1), Phase(per_weight=8), DRAWING]
    # The gradient and its sum, then the mask beside; rows of both sets go through the network together.
    salun = of("classifier", "salun", batch_size=3, optimizer="sgd")
    assert salun[:2] == [Phase(per_weight=8, batch=3, passes=1), Phase(per_weight=9, batch=3, passes=1)]
    # One teacher, two of them (a random one too), and the fresh network whose weights are taken over.
    for method, copies in (("scrub", 1), ("bad-teacher", 2), ("retrain", 1), ("gradient-ascent", 0)):
        assert of("classifier", method)[0].copies == copies


def test_every_method_for_generators_is_counted() -> None:
    for kind in ("dit", "text-to-image"):
        for method in BY_KIND[kind]:
            assert of(kind, method)[-1] == DRAWING
            settings = resolve("tiny", method, kind=kind)
            assert asks_a_teacher(method, settings) == (
                method in ("esd-x", "esd-u") or settings.get("teacher") == "frozen"
            )
