"""Adaptive coefficients of the forget loss (part F): the best-remembered samples are pushed hardest."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LEAST_SPREAD = 1e-3
"""Of probabilities of unseen pictures, so that a class whose held-out pictures all agree is no division by 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """What the model says of pictures that it never saw, class by class, each [classes].

    Attributes:
        mean, spread: mean and standard deviation of the probability of the true class.
        balance: B, the forget rows of an average class over those of this one, to the power tau.
    """

    mean: Tensor
    spread: Tensor
    balance: Tensor


def unseen_weights(losses: Tensor, labels: Tensor, unseen: Unseen) -> Tensor:
    """w_i = 1 + sign(z_i) tanh(|z_i|)**(1/B), z_i = (p_i - mean) / spread of the row's class, shape [n], detached (FaLW).

    2 where a row is far surer than unseen ones, 1 where it is like them, towards 0 where it is less sure. A class that is forgotten
    whole has a mean near 0 and a larger spread: z is at least -mean / spread there, so that its weights hardly fall below 0.8.

    Args:
        losses: cross-entropy of each row [n], whose p_i is exp(-loss): those of the forgetting step itself, in train mode, where `unseen`
            comes from evaluation mode. labels: true classes [n].
    """
    p = torch.exp(-losses.detach().float())
    z = (p - unseen.mean[labels]) / unseen.spread[labels].clamp_min(LEAST_SPREAD)
    return 1.0 + z.sign() * z.abs().tanh() ** (1.0 / unseen.balance[labels])


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
