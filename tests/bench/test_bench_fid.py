"""FID through torchmetrics agrees with the project's own distance, and says so where its network cannot be had."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.fid import main, real_fid
from sfr_core.errors import AssetError
from sfr_core.metrics.generation import frechet, moments

torch.set_num_threads(1)


class MeanColours(nn.Module):
    """Features: the mean of each quarter of the red and of the blue picture."""

    num_features = 8

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.adaptive_avg_pool2d(x[:, [0, 2]].double(), 2).flatten(1)


def some(n: int, seed: int, channels: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 50 + 100 * seed, (n, 8, 8, channels)).astype(np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
def test_fid_with_other_features_is_the_frechet_distance(channels: int) -> None:
    a, b = some(120, 0, channels), some(90, 1, channels)

    def features(pictures: np.ndarray) -> np.ndarray:
        rgb = torch.from_numpy(pictures).permute(0, 3, 1, 2).expand(-1, 3, -1, -1)
        return MeanColours()(rgb).numpy()

    wanted = frechet(*moments(features(a)), *moments(features(b)))
    assert real_fid(a, b, MeanColours()) == pytest.approx(wanted, rel=1e-3)


@pytest.mark.skipif(find_spec("torch_fidelity") is not None, reason="torch-fidelity is installed")
def test_without_its_network_fid_is_refused_in_one_sentence() -> None:
    with pytest.raises(AssetError, match=r"FID cannot be had here .*[Tt]orch-fidelity.* Install torch-fidelity"):
        real_fid(some(2, 0, 1), some(2, 0, 1))


def test_a_classifier_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["fashion-mnist-resnet"])
    assert "draws nothing" in capsys.readouterr().err
