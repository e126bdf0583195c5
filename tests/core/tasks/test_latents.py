"""Pictures to latents and back: against the autoencoder asked directly, batch by batch, and with a frozen identity by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers import AutoencoderTiny
from torch import Tensor, nn

from sfr_core.ops.stepwise import drained
from sfr_core.tasks import latents
from sfr_core.tasks.latents import batch_size, decode, downscale, encode, frozen
from tests.core.tiny_vae import tiny_vae


def pictures(n: int = 5, seed: int = 0) -> Tensor:
    return torch.rand((n, 3, 16, 16), generator=torch.Generator().manual_seed(seed)) * 2 - 1


class Affine(nn.Module):
    """Encodes x as mean 2x with standard deviation 3, and decodes z as z / 2."""

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = SimpleNamespace(block_out_channels=(1,), **config)
        self.weight = nn.Parameter(torch.ones(()))

    def encode(self, x: Tensor) -> Any:
        return SimpleNamespace(latent_dist=SimpleNamespace(mean=2 * x, std=torch.full_like(x, 3.0)))

    def decode(self, z: Tensor) -> Any:
        return SimpleNamespace(sample=z / 2)


def test_latents_are_shifted_and_scaled() -> None:
    x = pictures()
    z = drained(encode(Affine(scaling_factor=0.5, shift_factor=1.0), x))
    assert torch.allclose(z, (2 * x - 1) * 0.5)
    assert torch.allclose(drained(decode(Affine(scaling_factor=0.5, shift_factor=1.0), z)), x, atol=1e-6)
    assert torch.allclose(drained(encode(Affine(scaling_factor=0.5, shift_factor=None), x)), x)
    assert torch.allclose(drained(encode(Affine(scaling_factor=2.0), x)), 4 * x)


def test_a_draw_from_the_posterior_follows_its_generator_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    x, vae = pictures(), Affine(scaling_factor=1.0)
    first = drained(encode(vae, x, rng=torch.Generator().manual_seed(1)))
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(first, 2 * x + 3 * noise)
    monkeypatch.setattr(latents, "PIXELS_AT_ONCE", 2 * 256)  # three batches: the same rows get the same noise
    assert torch.allclose(drained(encode(vae, x, rng=torch.Generator().manual_seed(1))), first)
    assert not torch.equal(drained(encode(vae, x, rng=torch.Generator().manual_seed(2))), first)


def test_pictures_stay_within_their_range() -> None:
    z = torch.full((1, 3, 2, 2), 5.0)
    assert drained(decode(Affine(scaling_factor=1.0), z)).tolist() == torch.ones(1, 3, 2, 2).tolist()


def test_the_real_autoencoder_is_asked_as_diffusers_pipelines_ask_it() -> None:
    vae, x = tiny_vae(), pictures()
    assert downscale(vae) == 4
    held = torch.random.get_rng_state()
    z = drained(encode(vae, x))
    assert z.shape == (5, 4, 4, 4)
    with torch.no_grad():
        assert torch.equal(z, vae.encode(x).latent_dist.mode() * vae.config.scaling_factor)
        plain = vae.decode(z / vae.config.scaling_factor).sample.clamp(-1, 1)
    assert torch.equal(drained(decode(vae, z)), plain)
    assert torch.equal(held, torch.random.get_rng_state())


def test_batches_give_what_one_gives_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    vae, x = tiny_vae(), pictures()
    whole = drained(encode(vae, x))
    back = drained(decode(vae, whole))
    monkeypatch.setattr(latents, "PIXELS_AT_ONCE", 2 * 256)
    done: list[int] = []
    assert batch_size(vae, 16, 16) == 2
    assert torch.allclose(drained(encode(vae, x), done.append), whole, atol=1e-4)
    assert torch.allclose(drained(decode(vae, whole), done.append), back, atol=1e-4)
    assert done == [1, 2, 3, 1, 2, 3]
    work = decode(vae, whole)
    assert next(work) == 1
    work.close()  # nothing is left running


def test_a_tiny_autoencoder_has_no_posterior() -> None:
    vae = AutoencoderTiny(
        encoder_block_out_channels=(4, 4), decoder_block_out_channels=(4, 4), num_encoder_blocks=(1, 1), num_decoder_blocks=(1, 1)
    )  # fmt: skip
    assert downscale(vae) == 2
    z = drained(encode(frozen(vae), pictures(), rng=torch.Generator()))
    assert torch.equal(z, drained(encode(vae, pictures())))
    assert drained(decode(vae, z)).shape == (5, 3, 16, 16)


def test_frozen_weights_need_no_gradient() -> None:
    vae = tiny_vae().train()
    assert frozen(vae) is vae
    assert not any(m.training for m in vae.modules())
    assert not any(p.requires_grad for p in vae.parameters())


def test_half_precision_autoencoders_give_float32() -> None:
    vae = tiny_vae().to(torch.bfloat16)
    z = drained(encode(vae, pictures()))
    assert z.dtype == torch.float32
    assert drained(decode(vae, z)).dtype == torch.float32
