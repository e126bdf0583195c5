"""A CIFAR-style residual network (He et al. 2015, arXiv 1512.03385, section 4.2) with free widths, for small pictures."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with BatchNorm and a shortcut; [n, cin, h, w] -> [n, cout, h/stride, w/stride]."""

    def __init__(self, cin: int, cout: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x: Tensor) -> Tensor:
        hidden = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(hidden)) + self.shortcut(x))


class SmallResNet(nn.Module):
    """Stem, one stage per width (each but the first halves the picture), average pool, linear head.

    Args:
        channels: channels of the input picture.
        classes: number of logits.
        widths: channels of each stage.
        blocks: BasicBlocks per stage.

    Shapes: [n, channels, h, w] -> logits [n, classes]; `features` gives the pooled [n, widths[-1]].
    """

    def __init__(
        self, channels: int = 1, classes: int = 10, widths: Sequence[int] = (16, 48, 144), blocks: int = 1
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(channels, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()
        )
        stages: list[nn.Module] = []
        cin = widths[0]
        for stage, width in enumerate(widths):
            for block in range(blocks):
                stages.append(BasicBlock(cin, width, 2 if stage > 0 and block == 0 else 1))
                cin = width
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(cin, classes)

    def features(self, x: Tensor) -> Tensor:
        """Pooled features before the head."""
        pooled: Tensor = self.stages(self.stem(x)).mean((2, 3))
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(x))
        return logits
