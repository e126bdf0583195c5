"""A classifier that was trained with another order of classes: it is found out before the run, and nothing is said to be forgotten."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from demos.records.summary import summarise
from demos.records.summary_text import About
from sfr_core.cli.run import main
from sfr_core.data.folder import open_folder
from sfr_core.nets.named import build_network, read_architecture
from sfr_core.runs.files import read_result
from tests.core.own_files import OwnFiles

ARCHITECTURE = "SmallResNet?widths=8,&size=8"
CLASSES = 12
RUN = ["--forget", "class:3", "--method", "sfr-on", "--set", "steps=2", "--set", "batch_size=8", "--device", "cpu"]
RUN += ["--set", "fisher_batches=1", "--precision", "fp32"]


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> OwnFiles:
    """Folders 0 to 11, and a network whose output i is folder i, as a reader that sorts numbers as numbers trains it."""
    root = tmp_path_factory.mktemp("numbered")
    colours = np.random.default_rng(3).permutation(
        [(r, g, b) for r in (0, 120, 240) for g in (0, 240) for b in (0, 240)]
    )
    for name, colour in enumerate(colours):
        (root / "p" / str(name)).mkdir(parents=True)
        for i in range(5):
            noise = np.random.default_rng(100 * name + i).integers(-9, 10, (8, 8, 3))
            Image.fromarray((colour + noise).clip(0, 255).astype(np.uint8)).save(root / "p" / str(name) / f"{i}.png")
    data = open_folder(root / "p", order="natural")
    assert data.class_names == tuple(str(i) for i in range(CLASSES))
    torch.manual_seed(0)
    network = build_network(read_architecture(ARCHITECTURE), classes=CLASSES, channels=3).train()
    x = torch.from_numpy(data.train.images).permute(0, 3, 1, 2) / 255
    x = (x - torch.tensor(data.mean).view(1, 3, 1, 1)) / torch.tensor(data.std).view(1, 3, 1, 1)
    y = torch.from_numpy(data.train.labels)
    optimizer = torch.optim.Adam(network.parameters(), 2e-2)
    for _ in range(120):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(x.float()), y).backward()
        optimizer.step()
    assert (network.eval()(x.float()).argmax(1) == y).float().mean() > 0.95
    save_file(network.state_dict(), root / "m.safetensors")
    return OwnFiles(root / "p", root / "m.safetensors", ARCHITECTURE)


def test_a_wrong_order_of_classes_is_refused_before_the_run(
    numbered: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *numbered.files(), *RUN, "--out", str(tmp_path / "o")]) == 2
    said = capsys.readouterr().err
    # In alphabetical order (0, 1, 10, 11, 2, ...) only 0 and 1 of the twelve are in their place.
    assert (
        "The network recognises 17 % of its training pictures (48 looked at, 12 classes), hardly more than a guess."
        in said
    )
    assert "class_order" in said
    assert "--anyway" in said
    assert not (tmp_path / "o").exists()


def test_anyway_it_runs_but_nothing_is_called_forgotten(numbered: OwnFiles, tmp_path: Path) -> None:
    assert main(["run", *numbered.options(), *RUN, "--out", str(tmp_path / "o")]) == 0
    about = About("SFR-on", "3", classes=CLASSES, counted=1)
    summary = summarise(read_result(tmp_path / "o"), about, whole_classes=True)
    assert summary.tone == "open"
    assert "There was nothing to forget of 3: before the run the network recognised only 17 % of all" in summary.text


def test_in_the_right_order_it_knows_its_pictures(
    numbered: OwnFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    natural = OwnFiles(numbered.data, numbered.weights, f"{ARCHITECTURE}&class_order=natural")
    assert main(["run", *natural.files(), *RUN, "--out", str(tmp_path / "o")]) == 0
    assert (
        "The network recognises 100 % of its training pictures (48 looked at, 12 classes).\n" in capsys.readouterr().err
    )
    assert read_result(tmp_path / "o").before.RA == 100.0


def test_retraining_needs_no_network_that_knows_anything(numbered: OwnFiles, tmp_path: Path) -> None:
    again = [
        "--forget",
        "class:3",
        "--method",
        "retrain",
        "--set",
        "epochs=1",
        "--device",
        "cpu",
        "--precision",
        "fp32",
    ]
    assert main(["run", *numbered.files(), *again, "--out", str(tmp_path / "o")]) == 0
