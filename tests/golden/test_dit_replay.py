"""SFR-on on the tiny latent diffusion model against the recorded runs."""

import pytest

from tests.golden.cases import load
from tests.golden.sfron_checks import check_whole_case


@pytest.mark.parametrize("name", ["dit_ga", "dit_ga_mask", "dit_ga_learned_variance", "dit_rl"])
def test_run_repeats_the_recording(name: str) -> None:
    check_whole_case(load(name))
