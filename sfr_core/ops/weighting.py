"""Adaptive coefficients of the forget loss (part F): the best-remembered samples are pushed hardest."""

from __future__ import annotations

import torch
from torch import Tensor


def inverse_losses(losses: Tensor, lam: float, eps: float = 1e-15, floor: float = 0.0) -> Tensor:
    """c_i = 1 / (max(l_i, floor)**lam + eps), shape [n], detached: a weight is a constant of the step."""
    return 1.0 / (losses.detach().float().clamp_min(floor) ** lam + eps)


def adaptive_weights(losses: Tensor, lam: float, eps: float = 1e-15, floor: float = 0.0) -> Tensor:
    """w_i = c_i / sum_j c_j over the batch, shape [n], sum 1, detached (published code); lam 0 weighs all alike.

    Args:
        losses: per-sample losses l_i, shape [n], not negative.
        lam: temperature, lambda in the paper.
        eps: added to l_i**lam.
        floor: losses below count as this. At eps 1e-15 one loss of exactly 0 would take the whole weight while its
            gradient is 0, which silences the batch.
    """
    c = inverse_losses(losses, lam, eps, floor)
    return c / c.sum()


def set_weights(losses: Tensor, mean_inverse: Tensor, lam: float, eps: float = 1e-15, floor: float = 0.0) -> Tensor:
    """w_i = c_i / (n * mean of c over the whole forget set), shape [n], detached (the paper's normalisation).

    sum_i w_i * l_i is then the batch estimate of (1/N_f) * sum over D_f of eps_i * l_i with eps_i = N_f * c_i / sum_j c_j.
    """
    c = inverse_losses(losses, lam, eps, floor)
    return c / (mean_inverse * len(c))


def uniform_weights(losses: Tensor) -> Tensor:
    """w_i = 1/n: plain ascent."""
    return torch.full_like(losses.detach(), 1.0 / len(losses))
