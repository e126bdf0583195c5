"""SFR-on on the tiny classifier against the recorded run of the authors' code."""

import pytest

from tests.golden.cases import load
from tests.golden.sfron_checks import check_masks_at_every_gamma, check_whole_case


@pytest.mark.parametrize("name", ["classifier_sfron", "classifier_sfron_adamw", "classifier_ga_adamw"])
def test_run_repeats_the_recording(name: str) -> None:
    check_whole_case(load(name))


def test_fishers_and_masks_repeat_the_recording() -> None:
    check_masks_at_every_gamma(load("classifier_mask"))
