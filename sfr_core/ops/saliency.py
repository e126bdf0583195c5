"""The saliency mask (part S): where do the weights matter more for the forget set than for the remain set?"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sfr_core.errors import ConfigError, Diverged
from sfr_core.events import LayerSaliency, MaskReady

THRESHOLDS = tuple(10.0 ** (k / 10) for k in range(-30, 31))
"""Grid of thresholds at which every layer's kept entries are counted: 61 values from 0.001 to 1000."""

Tensors = dict[str, Tensor]


def zeros_like_parameters(parameters: dict[str, nn.Parameter]) -> Tensors:
    """A float32 zero for every parameter, by name: the empty sum of a Fisher or saliency estimate."""
    return {name: torch.zeros_like(p, dtype=torch.float32) for name, p in parameters.items()}


def batch_gradients(parameters: dict[str, nn.Parameter], loss: Tensor, clip: float | None = None) -> Tensors:
    """Gradients of a scalar loss by name (zero where there is none), cut to a global norm of `clip`.

    Raises:
        Diverged: the gradient is NaN or infinite.
    """
    grads = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    found = [g for g in grads if g is not None]
    norm = torch.nn.utils.get_total_norm(found)
    if not torch.isfinite(norm):
        raise Diverged(
            "A gradient of the mask is not finite.", hint="Check the model and the pictures; nothing was changed."
        )
    if clip is not None:
        torch._foreach_mul_(found, float(min(1.0, clip / (float(norm) + 1e-6))))
    return {
        name: torch.zeros_like(p) if g is None else g for (name, p), g in zip(parameters.items(), grads, strict=True)
    }


def add_squares(total: Tensors, gradients: Tensors) -> None:
    """total += gradients**2, entry by entry: one batch of F = (1/n) * sum_b (gradient of mean loss of batch b)**2."""
    for name, gradient in gradients.items():
        total[name].addcmul_(gradient.float(), gradient.float())


def saliency_mask(fisher_forget: Tensors, fisher_remain: Tensors, gamma: float, eps: float = 1e-15) -> Tensors:
    """m = 1[(F_f + eps) / (F_r + eps) >= gamma], entry by entry (paper, part S); bool tensors, true = may be forgotten in."""
    return {name: _ratio(fisher_forget[name], fisher_remain[name], eps) >= gamma for name in fisher_forget}


def top_fraction_mask(scores: Tensors, fraction: float) -> tuple[Tensors, float]:
    """SalUn's mask: the floor(fraction * N) entries with the largest scores over all tensors together.

    Args:
        scores: finite float32 numbers, none negative.

    Returns:
        The mask and the smallest score that it keeps (infinite where it keeps nothing). Equal scores are all taken in the
        order of the tensors until the number is reached.

    Raises:
        ConfigError: `fraction` outside 0 to 1.
    """
    if not 0.0 <= fraction <= 1.0:
        raise ConfigError("Mask share must be between 0 and 1.", hint=f"You gave {fraction}.")
    keep = int(fraction * sum(s.numel() for s in scores.values()))
    if not keep:
        return {name: torch.zeros(s.shape, dtype=torch.bool, device=s.device) for name, s in scores.items()}, float(
            "inf"
        )
    cut_off = _kth_largest(scores, keep)
    mask = {name: s.contiguous() > cut_off for name, s in scores.items()}
    left = keep - sum(int(m.sum()) for m in mask.values())
    for name, s in scores.items():
        if left <= 0:
            break
        equal = torch.nonzero((s == cut_off).flatten())[:left, 0]
        mask[name].view(-1)[equal] = True
        left -= len(equal)
    return mask, cut_off


def _kth_largest(scores: Tensors, k: int) -> float:
    """The k-th largest of all entries together, by halving: sorting them would take several times their memory.

    Scores are not negative, and then their bits as whole numbers stand in the same order as they do.
    """
    bits = [s.view(torch.int32) for s in scores.values()]
    low, high = 0, 2**31 - 1  # at least k entries are >= low, fewer than k are > high
    while low < high:
        middle = (low + high + 1) // 2
        if sum(int((b >= middle).sum()) for b in bits) >= k:
            low = middle
        else:
            high = middle - 1
    return float(torch.tensor(low, dtype=torch.int32).view(torch.float32))


def describe_mask(mask: Tensors, threshold: float, scores: Tensors, thresholds: tuple[float, ...]) -> MaskReady:
    """Counts per tensor what the mask keeps, and what each of `thresholds` (ascending) on `scores` would keep."""
    return _described(mask, threshold, scores.__getitem__, thresholds)


def _described(
    mask: Tensors, threshold: float, score_of: Callable[[str], Tensor], thresholds: tuple[float, ...]
) -> MaskReady:
    layers = tuple(
        LayerSaliency(
            name=name,
            shape=tuple(keep.shape),
            size=keep.numel(),
            kept=int(keep.sum()),
            kept_at=_counts_at(score_of(name), thresholds),
        )
        for name, keep in mask.items()
    )
    size = sum(layer.size for layer in layers)
    return MaskReady(
        density=sum(layer.kept for layer in layers) / size, threshold=threshold, thresholds=thresholds, layers=layers
    )


def describe_saliency(
    mask: Tensors, fisher_forget: Tensors, fisher_remain: Tensors, gamma: float, eps: float
) -> MaskReady:
    """`describe_mask` for SFR-on's ratio of Fishers, at THRESHOLDS."""

    def ratio(name: str) -> Tensor:
        # One tensor at a time: all of them would take as much memory again as a Fisher.
        return _ratio(fisher_forget[name], fisher_remain[name], eps)

    return _described(mask, gamma, ratio, THRESHOLDS)


def _ratio(forget: Tensor, remain: Tensor, eps: float) -> Tensor:
    """(F_f + eps) / (F_r + eps); 0/0 counts as 1, as with every eps above 0: a weight that matters to neither."""
    return ((forget + eps) / (remain + eps)).nan_to_num_(nan=1.0, posinf=torch.inf)


def _counts_at(scores: Tensor, thresholds: tuple[float, ...]) -> tuple[int, ...]:
    ordered = scores.flatten().float().sort().values
    below = torch.searchsorted(ordered, torch.tensor(thresholds, device=ordered.device))
    return tuple(int(scores.numel() - b) for b in below)
