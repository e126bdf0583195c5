"""The small residual network: shapes, size, and a block by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sfr_core.nets.resnet import BasicBlock, SmallResNet


@pytest.mark.parametrize(("channels", "side", "classes"), [(1, 28, 10), (3, 32, 7), (1, 8, 2), (3, 9, 3)])
def test_shapes(channels: int, side: int, classes: int) -> None:
    net = SmallResNet(channels, classes, widths=(4, 8, 12), blocks=2).eval()
    x = torch.rand(2, channels, side, side)
    assert net.features(x).shape == (2, 12)
    assert net(x).shape == (2, classes)
    assert torch.equal(net(x), net.head(net.features(x)))


def test_size_counted_by_hand() -> None:
    def conv(a: int, b: int, k: int) -> int:
        return a * b * k * k + 2 * b  # weights and the BatchNorm behind them

    stem = conv(1, 16, 3)
    first = 2 * conv(16, 16, 3)  # same width and stride: the shortcut is free
    second = conv(16, 48, 3) + conv(48, 48, 3) + conv(16, 48, 1)
    third = conv(48, 144, 3) + conv(144, 144, 3) + conv(48, 144, 1)
    assert sum(p.numel() for p in SmallResNet().parameters()) == stem + first + second + third + 144 * 10 + 10


def test_a_block_without_convolution_is_its_shortcut() -> None:
    block = BasicBlock(3, 3, 1).eval()
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(2, 3, 5, 5)
    assert torch.equal(block(x), x.relu())


def test_stride_halves_the_picture() -> None:
    assert BasicBlock(2, 4, 2)(torch.rand(2, 2, 7, 7)).shape == (2, 4, 4, 4)
