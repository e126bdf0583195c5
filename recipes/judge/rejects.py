"""Pictures that show nothing, from which a judge learns to say no: square, grey or in colour, made from noise and from real pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from sfr_core.data.datasets import Pictures

Picture = NDArray[np.float32]
"""One picture [side, side, channels], 0 to 255."""

SIDE = 28
"""Side of the pictures that the sizes below are meant for; they grow with the side."""
GROUPS = np.array([0, 1, 0, 0, 0, 2, 0, 2, 3, 2])
"""Tops, trousers, shoes, bags: halves of two tops make a top, so only different groups are pasted together."""


class Maker:
    """Draws rejects of each kind.

    Args:
        real: pictures [n, side, side, channels] to spoil.
        rng: of every choice.
        groups: of the classes; only pictures of different groups are pasted together.
    """

    def __init__(self, real: Pictures, rng: np.random.Generator, groups: NDArray[np.int64] = GROUPS) -> None:
        self._real, self._rng, self._groups = real, rng, groups
        self._side, self._channels = real.images.shape[1], real.images.shape[3]
        self._shape = (self._side, self._side, self._channels)

    def noise(self) -> Picture:
        """White, normal, soft or salt-and-pepper noise, alone or over half or more of a real picture."""
        rng = self._rng
        kind = rng.integers(4)
        made: NDArray[np.floating]
        if kind == 0:
            made = rng.uniform(0, 255, self._shape)
        elif kind == 1:
            made = rng.normal(rng.uniform(0, 255), rng.uniform(30, 120), self._shape)
        elif kind == 2:
            cell = int(rng.choice([2, 4, 7]))
            count = -(-self._side // cell)
            blocks = np.kron(rng.uniform(0, 255, (count, count, self._channels)), np.ones((cell, cell, 1)))
            made = _soft(blocks[: self._side, : self._side])
        else:
            made = 255.0 * (rng.random(self._shape) < rng.uniform(0.2, 0.8))
        if rng.random() < 0.4:
            share = rng.uniform(0.5, 0.9)
            made = share * made + (1 - share) * self._one()
        return _picture(made)

    def saturated(self) -> Picture:
        """One flat grey, black or white shapes, or a real picture in pure black and white or as a negative."""
        rng = self._rng
        kind = rng.integers(4)
        if kind == 0:
            return _picture(np.full(self._shape, rng.choice([0.0, 255.0, rng.uniform(0, 255)])) * self._colour())
        if kind == 1:
            made = 255.0 * self._shapes() * self._colour()
            return _picture(_soft(made) if rng.random() < 0.5 else made)
        if kind == 2:
            return _picture(255.0 * (self._one() > rng.uniform(20, 120)))
        return _picture(255.0 - self._one())

    def striped(self) -> Picture:
        """Hard or soft stripes of any direction; filling the picture, a shape, or (hard ones) the outline of a garment."""
        rng = self._rng
        y, x = np.mgrid[0 : self._side, 0 : self._side, 0:1][:2]
        angle = rng.choice([0.0, 0.0, np.pi / 2, rng.uniform(0, np.pi)])
        wave = np.sin((x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / rng.uniform(2, 12) + rng.uniform(0, 7))
        hard = rng.random() < 0.6
        made = 255.0 * (wave > rng.uniform(-0.6, 0.6)) if hard else 127.5 + rng.uniform(60, 127) * wave
        where = rng.integers(3)
        if where == 1:
            made = made * self._shapes()
        elif where == 2 and hard:
            made = made * (self._one() > 30)
        return _picture(made + rng.normal(0, rng.choice([0, 15]), self._shape))

    def shuffled(self) -> Picture:
        """A real picture cut into tiles of half or a quarter of its side of which at least three quarters changed places."""
        rng = self._rng
        count = int(rng.choice([2, 4]))
        tile = self._side // count
        places = np.arange(count * count)
        order = rng.permutation(places)
        while (order != places).mean() < 0.75:
            order = rng.permutation(places)
        tiles = self._one().reshape(count, tile, count, tile, -1).swapaxes(1, 2).reshape(-1, tile, tile, self._channels)
        mixed = tiles[order].reshape(count, count, tile, tile, -1).swapaxes(1, 2)
        return _picture(mixed.reshape(self._shape))

    def pasted(self) -> Picture:
        """Parts of two pictures of different groups: halves, a window of one in the other, or both half transparent."""
        rng, side = self._rng, self._side
        first = int(rng.integers(len(self._real)))
        second = int(rng.integers(len(self._real)))
        while self._groups[self._real.labels[first]] == self._groups[self._real.labels[second]]:
            second = int(rng.integers(len(self._real)))
        a, b = self._row(first), self._row(second)
        kind, at = rng.integers(4), int(rng.integers(*self._sizes(9, 20)))
        if kind == 0:
            return _picture(np.concatenate([a[:at], b[at:]]))
        if kind == 1:
            return _picture(np.concatenate([a[:, :at], b[:, at:]], axis=1))
        if kind == 2:
            size = int(rng.integers(*self._sizes(12, 18)))
            top, left = rng.integers(self._sizes(3, 3)[0], side - size - 2, 2)
            made = a.copy()
            made[top : top + size, left : left + size] = b[top : top + size, left : left + size]
            return _picture(made)
        return _picture((a + b) / 2)

    def _sizes(self, least: int, most: int) -> tuple[int, int]:
        return round(least * self._side / SIDE), round(most * self._side / SIDE)

    def _colour(self) -> NDArray[np.floating]:
        """Shares of the channels: ones in grey."""
        return np.ones(1) if self._channels == 1 else self._rng.uniform(0, 1, self._channels)

    def _shapes(self) -> NDArray[np.bool_]:
        return _shape(self._rng, self._side)[..., None]

    def _row(self, row: int) -> Picture:
        return self._real.images[row].astype(np.float32)

    def _one(self) -> Picture:
        return self._row(int(self._rng.integers(len(self._real))))


KINDS = ("noise", "saturated", "striped", "shuffled", "pasted")
"""Names of what a Maker makes."""


def reject_pictures(
    real: Pictures, n: int, rng: np.random.Generator, kind: str | None = None, groups: NDArray[np.int64] = GROUPS
) -> NDArray[np.uint8]:
    """n rejects uint8 [n, side, side, channels]: all of one `kind`, or the five kinds in turn."""
    maker = Maker(real, rng, groups)
    kinds = KINDS if kind is None else [kind]
    made = [getattr(maker, kinds[i % len(kinds)])() for i in range(n)]
    return np.stack(made).round().astype(np.uint8)


def _picture(values: NDArray[np.floating]) -> Picture:
    return values.clip(0, 255).astype(np.float32)


def _soft(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Mean over 3x3 neighbours of [h, w, c], edges repeated."""
    soft: NDArray[np.floating] = uniform_filter(values, (3, 3, 1), mode="nearest")
    return soft


def _shape(rng: np.random.Generator, side: int = SIDE) -> NDArray[np.bool_]:
    """A rectangle or an ellipse of a quarter to the whole of the side, sometimes with everything but it set."""
    y, x = np.mgrid[0:side, 0:side]
    height, width = rng.uniform(0.25, 1.0, 2) * side / 2
    top, left = rng.uniform(9, 19, 2) * side / SIDE
    down, across = np.abs(y + 0.5 - top) / height, np.abs(x + 0.5 - left) / width
    inside: NDArray[np.bool_] = np.maximum(down, across) <= 1 if rng.random() < 0.6 else down**2 + across**2 <= 1
    return ~inside if rng.random() < 0.2 else inside
