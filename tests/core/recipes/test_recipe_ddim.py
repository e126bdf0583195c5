"""The sampler against diffusers' own, and guidance by hand."""

import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from recipes.ddim import alphas_cumprod, ddim, guided


def predict(x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
    """Some smooth function of everything that it is given."""
    return 0.4 * x + (t.view(-1, 1, 1, 1) / 1000).cos() * 0.3 + 0.1 * labels.view(-1, 1, 1, 1)


@pytest.mark.parametrize("steps", [5, 20])
def test_sampler_agrees_with_the_one_of_diffusers(steps: int) -> None:
    scheduler = DDIMScheduler(
        num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, clip_sample=True, timestep_spacing="trailing"
    )
    scheduler.set_timesteps(steps)
    noise = torch.randn((3, 1, 4, 4), generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 1, 2])
    x = noise
    for t in scheduler.timesteps:
        epsilon = predict(x, t.expand(3), labels)
        x = scheduler.step(epsilon, t, x, use_clipped_model_output=True).prev_sample
    torch.testing.assert_close(
        ddim(predict, noise, labels, null=10, steps=steps, guidance=1.0), x, atol=1e-4, rtol=1e-4
    )


def test_guidance_goes_beyond_the_conditional_prediction() -> None:
    x, t, labels = torch.zeros(1, 1, 1, 1), torch.zeros(1), torch.tensor([3])
    # With x = 0 and t = 0 the prediction is 0.3 + 0.1 * label: 0.6 for class 3 and 1.3 for the null class 10.
    assert float(guided(predict, x, t, labels, null=10, guidance=2.0)) == pytest.approx(1.3 + 2 * (0.6 - 1.3))
    assert float(guided(predict, x, t, labels, null=10, guidance=1.0)) == pytest.approx(0.6)
    assert float(guided(predict, x, t, labels, null=10, guidance=0.0)) == pytest.approx(1.3)


def test_signal_falls_from_all_to_nearly_nothing() -> None:
    signal = alphas_cumprod()
    assert signal.shape == (1000,)
    assert float(signal[0]) == pytest.approx(1 - 1e-4)
    assert float(signal[-1]) == pytest.approx(4.04e-5, rel=0.01)  # the value known from the DDPM paper's schedule
    assert (signal.diff() < 0).all()


def test_steps_that_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="7 sampling steps"):
        ddim(predict, torch.zeros(1, 1, 2, 2), torch.tensor([0]), null=10, steps=7)
