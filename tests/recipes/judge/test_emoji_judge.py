"""The judges of emoji: their classes, what is held out, two heads that become two networks, and percentages by hand."""

import numpy as np
import pytest
import torch

from recipes.emoji.groups import CATEGORIES, fine_groups
from recipes.emoji.packages import STYLES, Emoji, EmojiSet
from recipes.judge.emoji import HOW, TwoHeads, labelled, measured, varied
from sfr_core.nets.judge import Judge
from tests.recipes.generators import some_emoji

FINE = list(fine_groups())


def of(*names: tuple[str, str]) -> EmojiSet:
    """Emoji by name and subcategory, all of one grey."""
    emoji = tuple(Emoji(name, subcategory, ()) for name, subcategory in names)
    return EmojiSet(emoji, {style: np.full((len(emoji), 64, 64, 3), 99, np.uint8) for style in STYLES})


def test_classes_of_both_heads_by_hand() -> None:
    data = labelled(some_emoji())  # two cats, a heart, a flag, a clock, a shirt; once in each style
    mammals, hearts, flags, clocks = (list(CATEGORIES).index(c) for c in ("mammals", "hearts", "flags", "clocks"))
    once = [mammals, mammals, hearts, flags, clocks, len(CATEGORIES)]
    assert data.labels[0].tolist() == once * 2
    google = [FINE.index(name) for name in ("cat", "cat", "heart", "flag", "clock")]
    none = 2 * len(FINE)
    assert data.labels[1].tolist() == [*google, none, *(c + len(FINE) for c in google), none]
    assert data.names[1][google[0]] == "cat, google style"
    assert data.names[1][google[0] + len(FINE)] == "cat, twitter style"
    assert not data.held_out.any()  # groups of one or two have nobody to spare


@pytest.mark.parametrize(("n", "wanted"), [(3, 0), (4, 1), (9, 1), (10, 1), (19, 1), (25, 2)])
def test_every_tenth_is_held_out_in_both_styles_and_at_least_one_of_a_small_group(n: int, wanted: int) -> None:
    data = labelled(of(*((f"flag {i}", "country-flag") for i in range(n)), ("hammer", "tool")))
    assert data.held_out[: n + 1].tolist() == data.held_out[n + 1 :].tolist()
    assert data.held_out[:n].sum() == wanted
    rest = data.rows(~data.held_out)
    assert len(rest.images) == len(rest.labels[1]) == 2 * (n + 1 - wanted)


def test_two_heads_become_two_networks() -> None:
    torch.manual_seed(0)
    both = TwoHeads((3, 5)).eval()
    x = torch.rand(2, 3, 64, 64)
    first, second = both(x)
    assert (first.shape, second.shape) == ((2, 4), (2, 6))
    torch.testing.assert_close(both.network(0)(x), first)
    torch.testing.assert_close(both.network(1).eval()(x), second)


def test_varied_pictures_stay_pictures_on_white() -> None:
    x = torch.ones(8, 3, 64, 64)
    x[:, :, 16:48, 16:48] = 0.2
    out = varied(x, torch.Generator().manual_seed(0))
    assert out.shape == x.shape
    assert 0 <= float(out.min()) < 0.4
    assert float(out.max()) <= 1
    assert float(out[:, :, 0].mean()) > 0.95  # what comes in at the edges is white
    assert not torch.equal(out[0], out[1])
    assert torch.equal(out, varied(x, torch.Generator().manual_seed(0)))


def test_percentages_by_hand() -> None:
    """A judge that calls everything class 0 and accepts it: right for the two cats of six emoji, wrong for the others."""
    found = labelled(some_emoji())
    classes = len(CATEGORIES)
    mammals = list(CATEGORIES).index("mammals")
    torch.manual_seed(0)
    network = TwoHeads((classes, 5)).network(0)
    torch.nn.init.zeros_(network.head.weight)
    torch.nn.init.zeros_(network.head.bias)
    with torch.no_grad():
        network.head.bias[mammals] = 1
    d = network.head.in_features
    judge = Judge(network, torch.zeros(classes, d), torch.eye(d), torch.full((classes,), 1e9), scale=HOW.scale)
    said = measured(judge, found, 0, seed=0, n=2)
    assert (said["accuracy"], said["accepted_and_right"]) == (40.0, 40.0)  # four of ten known pictures
    assert (said["real_rejected"], said["others_rejected"]) == (0.0, 0.0)
    shy = Judge(network, judge.means, judge.whitening, torch.zeros(classes), scale=HOW.scale)
    said = measured(shy, found, 0, seed=0, n=2)
    assert (said["accuracy"], said["accepted_and_right"], said["real_rejected"]) == (40.0, 0.0, 100.0)
    assert set(said["rejects_rejected"].values()) == {100.0}
