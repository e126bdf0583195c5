"""The sampler against diffusers' own, and guidance by hand."""

import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from sfr_core.errors import InputError
from sfr_core.ops.diffusion import alphas_cumprod, guided, start_noise
from sfr_core.ops.noise_schedule import DdpmSchedule
from sfr_core.ops.sampling import denoise_steps
from sfr_core.ops.stepwise import drained


def predict(x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
    """Some smooth function of everything that it is given."""
    return 0.4 * x + (t.view(-1, 1, 1, 1) / 1000).cos() * 0.3 + 0.1 * labels.view(-1, 1, 1, 1)


CLIPPED = DdpmSchedule(clip=True)


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
    pictures = drained(denoise_steps(predict, CLIPPED, noise, labels, null=10, steps=steps, guidance=1.0))
    torch.testing.assert_close(pictures, x, atol=1e-4, rtol=1e-4)


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
    with pytest.raises(InputError, match="7 sampling steps"):
        next(
            denoise_steps(predict, CLIPPED, torch.zeros(1, 1, 2, 2), torch.tensor([0]), null=10, steps=7, guidance=2.0)
        )


def test_sampling_tells_every_step_asks_no_more_than_it_is_asked_and_leaves_gradients_on() -> None:
    asked: list[int] = []

    def listening(x: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        asked.append(int(t[0]))
        return predict(x, t, labels)

    work = denoise_steps(listening, CLIPPED, torch.zeros(1, 1, 2, 2), torch.tensor([0]), null=10, steps=5, guidance=2.0)
    done = []
    for step in work:
        done.append(step)
        assert torch.is_grad_enabled()
        if step == 3:
            break
    assert done == [1, 2, 3]
    assert asked == [999, 799, 599]


def test_noise_follows_class_and_place_within_the_class_only() -> None:
    a = start_noise(torch.tensor([0, 1, 1, 1]), (1, 3, 3), seed=7)
    b = start_noise(torch.tensor([1, 0, 0, 1]), (1, 3, 3), seed=7)
    assert torch.equal(b[0], a[1])  # first of class 1
    assert torch.equal(b[1], a[0])  # first of class 0
    assert torch.equal(b[3], a[2])  # second of class 1
    assert len({float(x.sum()) for x in [*a, b[2]]}) == 5
    assert not torch.equal(a, start_noise(torch.tensor([0, 1, 1, 1]), (1, 3, 3), seed=8))


def test_noise_is_standard_normal() -> None:
    noise = start_noise(torch.arange(10).repeat(10), (1, 28, 28), seed=0)
    assert float(noise.mean()) == pytest.approx(0, abs=0.02)
    assert float(noise.var()) == pytest.approx(1, abs=0.02)
