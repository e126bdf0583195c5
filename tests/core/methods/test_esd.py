"""ESD: the target by hand, the first step's loss from two predictions, and the two slices."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from sfr_core.cancel import CancelToken
from sfr_core.catalog.esd_u import EsdUConfig
from sfr_core.catalog.esd_x import EsdConfig
from sfr_core.errors import InputError
from sfr_core.events import Step
from sfr_core.methods.esd import erased, esd
from sfr_core.tasks.text_to_image_parts import trained_part
from tests.core.tiny import state, tiny_task
from tests.core.tiny_prompts import tiny_prompt_task
from tests.core.tiny_sd import SMALL_CONCEPTS, sd_task, tiny_cond_unet


def steps_of(task: Any, config: EsdConfig, seed: int = 0) -> list[Step]:
    events = esd(task, config, rng=torch.Generator().manual_seed(seed), cancel=CancelToken())
    return [event for event in events if isinstance(event, Step)]


def test_target_by_hand() -> None:
    # From 1 without a prompt to 3 with it are 2: as far beyond on the other side lies -1, half as far 0.
    without, asked = torch.tensor([1.0]), torch.tensor([3.0])
    assert erased(without, asked, 1.0).tolist() == [-1.0]
    assert erased(without, asked, 0.5).tolist() == [0.0]
    assert erased(without, asked, 0.0).tolist() == [1.0]


def test_the_first_loss_is_the_old_guidance_one_and_eta_times() -> None:
    """Before the first step e = e0, so the loss is |e0(p) - e0(0) + eta (e0(p) - e0(0))|^2 = (1 + eta)^2 |e0(p) - e0(0)|^2."""
    task = tiny_prompt_task()
    rng = torch.Generator().manual_seed(3)
    labels = task.direct[torch.randint(len(task.direct), (2,), generator=rng)]
    x, t = task.denoiser.half_drawn(labels, steps=10, guidance=3.0, rng=rng)
    gap = task.denoiser.predict(x, t, labels) - task.denoiser.predict(x, t, torch.full_like(labels, task.null))
    config = EsdConfig.from_dict({"steps": 1, "batch_size": 2, "negative_guidance": 0.5, "sample_steps": "10"})
    [step] = steps_of(task, config, seed=3)
    assert step.forget_loss == pytest.approx(2.25 * float(gap.detach().square().mean()), rel=1e-5)
    assert step.remain_loss is None


@pytest.mark.parametrize("config_cls", [EsdConfig, EsdUConfig])
def test_only_its_part_of_the_network_moves(config_cls: type[EsdConfig]) -> None:
    config = config_cls.from_dict(SMALL_CONCEPTS["esd-x"])
    task = sd_task(ready=False, trainable=config.trainable)
    before = state(task.model)
    steps_of(task, config)
    after = state(task.model)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    cross = {name for name in before if ".attn2." in name}
    still = {name for name in before if name.startswith(("time_embedding.", "conv_out.", "conv_norm_out."))}
    assert moved
    if config_cls is EsdConfig:
        # Where every query is answered alike, keys get no gradient; nothing outside cross-attention may move.
        assert moved <= cross
        assert any("to_v" in name for name in moved)
    else:
        assert not moved & (cross | still)
        assert any(".attn1." in name for name in moved)
        assert any("resnets" in name for name in moved)


def test_slices_by_name() -> None:
    unet = tiny_cond_unet()
    everything = set(trained_part(unet, "full"))
    cross = set(trained_part(unet, "cross-attention"))
    text = set(trained_part(unet, "keys-values"))
    rest = set(trained_part(unet, "without-cross-attention"))
    assert everything == {name for name, _ in unet.named_parameters()}
    assert text < cross < everything
    assert len(cross) == 3 * 5  # three blocks: q, k, v, and an output with its bias
    assert len(text) == 3 * 2
    assert not rest & cross
    assert {name.split(".")[0] for name in everything - rest - cross} == {"time_embedding", "conv_norm_out", "conv_out"}


def test_a_model_without_cross_attention_is_refused() -> None:
    with pytest.raises(InputError, match="no part 'cross-attention'"):
        trained_part(tiny_task().model, "cross-attention")
