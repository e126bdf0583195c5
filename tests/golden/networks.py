"""The tiny generators of the golden cases (their classifier is tests.core.tiny.TinyNet), built from cases/README.md section 2; attribute names are the stored names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Denoiser(nn.Module):
    """Noise prediction from a noised picture [n, channels, 8, 8], timesteps [n] and one class vector [n, 8] a row."""

    def __init__(self, channels: int, channels_out: int, table_rows: int) -> None:
        super().__init__()
        self.class_emb = nn.Embedding(table_rows, 8)
        self.time_mlp = nn.Linear(8, 16)
        self.class_mlp = nn.Linear(8, 16)
        self.conv_in = nn.Conv2d(channels, 16, 3, padding=1)
        self.norm = nn.GroupNorm(4, 16, eps=1e-5)
        self.conv_mid = nn.Conv2d(16, 16, 3, padding=1)
        self.conv_out = nn.Conv2d(16, channels_out, 3, padding=1)

    def predict(self, x: Tensor, t: Tensor, class_vector: Tensor) -> Tensor:
        frequencies = torch.exp(torch.arange(4, dtype=torch.float32) * (-math.log(10000) / 3))
        angles = t.float()[:, None] * frequencies
        time_vector = torch.cat([angles.sin(), angles.cos()], dim=1)
        shift = self.time_mlp(time_vector) + self.class_mlp(class_vector)
        hidden = F.silu(self.norm(self.conv_in(x) + shift[:, :, None, None]))
        hidden = hidden + F.silu(self.conv_mid(hidden))
        prediction: Tensor = self.conv_out(hidden)
        return prediction


@dataclass
class Out:
    """As diffusers' networks answer."""

    sample: Tensor


class Ddpm(Denoiser):
    """The pixel network: a learned null vector stands for "no class", label 10. Asked as diffusers' UNet2DModel is."""

    def __init__(self) -> None:
        super().__init__(3, 3, 10)
        self.null_emb = nn.Parameter(torch.empty(8))

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Out:
        null = y == len(self.class_emb.weight)
        return Out(
            self.predict(x, t, torch.where(null[:, None], self.null_emb, self.class_emb(y.masked_fill(null, 0))))
        )


class Dit(Denoiser):
    """The latent network: the last row of the table stands for "no class". Asked as diffusers' DiTTransformer2DModel is."""

    def __init__(self, null_class: int, learned_variance: bool) -> None:
        out = 8 if learned_variance else 4
        super().__init__(4, out, null_class + 1)
        self.config = SimpleNamespace(in_channels=4, out_channels=out, sample_size=8, num_embeds_ada_norm=null_class)

    def forward(self, x: Tensor, t: Tensor, y: Tensor) -> Out:
        return Out(self.predict(x, t, self.class_emb(y)))
