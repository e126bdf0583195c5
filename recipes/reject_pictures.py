"""Pictures that are no clothing, from which the judge learns to say no: 28x28 grey, made from noise and from real pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from sfr_core.data.datasets import Pictures

Grey = NDArray[np.float32]
"""One picture [28, 28], 0 to 255."""

SIDE = 28
GROUPS = np.array([0, 1, 0, 0, 0, 2, 0, 2, 3, 2])
"""Tops, trousers, shoes, bags: halves of two tops make a top, so only different groups are pasted together."""


class Maker:
    """Draws rejects of each kind.

    Args:
        real: pictures [n, 28, 28, 1] of Fashion-MNIST to spoil.
        rng: of every choice.
    """

    def __init__(self, real: Pictures, rng: np.random.Generator) -> None:
        self._real = real
        self._rng = rng

    def noise(self) -> Grey:
        """White, normal, soft or salt-and-pepper noise, alone or over half or more of a real picture."""
        rng = self._rng
        kind = rng.integers(4)
        made: NDArray[np.floating]
        if kind == 0:
            made = rng.uniform(0, 255, (SIDE, SIDE))
        elif kind == 1:
            made = rng.normal(rng.uniform(0, 255), rng.uniform(30, 120), (SIDE, SIDE))
        elif kind == 2:
            cell = int(rng.choice([2, 4, 7]))
            made = _soft(np.kron(rng.uniform(0, 255, (SIDE // cell, SIDE // cell)), np.ones((cell, cell))))
        else:
            made = 255.0 * (rng.random((SIDE, SIDE)) < rng.uniform(0.2, 0.8))
        if rng.random() < 0.4:
            share = rng.uniform(0.5, 0.9)
            made = share * made + (1 - share) * self._one()
        return _grey(made)

    def saturated(self) -> Grey:
        """One flat grey, black or white shapes, or a real picture in pure black and white or as a negative."""
        rng = self._rng
        kind = rng.integers(4)
        if kind == 0:
            return _grey(np.full((SIDE, SIDE), rng.choice([0.0, 255.0, rng.uniform(0, 255)])))
        if kind == 1:
            made = 255.0 * _shape(rng)
            return _grey(_soft(made) if rng.random() < 0.5 else made)
        if kind == 2:
            return _grey(255.0 * (self._one() > rng.uniform(20, 120)))
        return _grey(255.0 - self._one())

    def striped(self) -> Grey:
        """Hard or soft stripes of any direction; filling the picture, a shape, or (hard ones) the outline of a garment."""
        rng = self._rng
        y, x = np.mgrid[0:SIDE, 0:SIDE]
        angle = rng.choice([0.0, 0.0, np.pi / 2, rng.uniform(0, np.pi)])
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / rng.uniform(2, 12) + rng.uniform(0, 7))
        hard = rng.random() < 0.6
        made = 255.0 * (wave > rng.uniform(-0.6, 0.6)) if hard else 127.5 + rng.uniform(60, 127) * wave
        where = rng.integers(3)
        if where == 1:
            made = made * _shape(rng)
        elif where == 2 and hard:
            made = made * (self._one() > 30)
        return _grey(made + rng.normal(0, rng.choice([0, 15]), made.shape))

    def shuffled(self) -> Grey:
        """A real picture cut into tiles of 14 or 7 pixels of which at least three quarters changed places."""
        rng = self._rng
        tile = int(rng.choice([14, 7]))
        count = SIDE // tile
        places = np.arange(count * count)
        order = rng.permutation(places)
        while (order != places).mean() < 0.75:
            order = rng.permutation(places)
        tiles = self._one().reshape(count, tile, count, tile).swapaxes(1, 2).reshape(-1, tile, tile)
        return _grey(tiles[order].reshape(count, count, tile, tile).swapaxes(1, 2).reshape(SIDE, SIDE))

    def pasted(self) -> Grey:
        """Parts of two garments of different groups: halves, a window of one in the other, or both half transparent."""
        rng = self._rng
        first = int(rng.integers(len(self._real)))
        second = int(rng.integers(len(self._real)))
        while GROUPS[self._real.labels[first]] == GROUPS[self._real.labels[second]]:
            second = int(rng.integers(len(self._real)))
        a, b = self._picture(first), self._picture(second)
        kind, at = rng.integers(4), int(rng.integers(9, 20))
        if kind == 0:
            return _grey(np.concatenate([a[:at], b[at:]]))
        if kind == 1:
            return _grey(np.concatenate([a[:, :at], b[:, at:]], axis=1))
        if kind == 2:
            size = int(rng.integers(12, 18))
            top, left = rng.integers(3, SIDE - size - 2, 2)
            made = a.copy()
            made[top : top + size, left : left + size] = b[top : top + size, left : left + size]
            return _grey(made)
        return _grey((a + b) / 2)

    def _picture(self, row: int) -> Grey:
        return self._real.images[row, :, :, 0].astype(np.float32)

    def _one(self) -> Grey:
        return self._picture(int(self._rng.integers(len(self._real))))


KINDS: dict[str, Callable[[Maker], Grey]] = {
    "noise": Maker.noise,
    "saturated": Maker.saturated,
    "striped": Maker.striped,
    "shuffled": Maker.shuffled,
    "pasted": Maker.pasted,
}


def reject_pictures(real: Pictures, n: int, rng: np.random.Generator, kind: str | None = None) -> NDArray[np.uint8]:
    """n rejects uint8 [n, 28, 28, 1]: all of one `kind`, or the five kinds in turn."""
    maker = Maker(real, rng)
    makers = list(KINDS.values()) if kind is None else [KINDS[kind]]
    made = [makers[i % len(makers)](maker) for i in range(n)]
    return np.stack(made).round().astype(np.uint8)[..., None]


def _grey(values: NDArray[np.floating]) -> Grey:
    return values.clip(0, 255).astype(np.float32)


def _soft(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean over 3x3 neighbours, edges repeated."""
    padded = np.pad(values, 1, mode="edge")
    return sum(padded[i : i + SIDE, j : j + SIDE] for i in range(3) for j in range(3)) / 9.0  # type: ignore[return-value]


def _shape(rng: np.random.Generator) -> NDArray[np.bool_]:
    """A rectangle or an ellipse of a quarter to the whole of the side, sometimes with everything but it set."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    height, width = rng.uniform(0.25, 1.0, 2) * SIDE / 2
    top, left = rng.uniform(9, 19, 2)
    down, across = np.abs(y + 0.5 - top) / height, np.abs(x + 0.5 - left) / width
    inside: NDArray[np.bool_] = np.maximum(down, across) <= 1 if rng.random() < 0.6 else down**2 + across**2 <= 1
    return ~inside if rng.random() < 0.2 else inside
