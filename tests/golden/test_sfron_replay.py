"""SFR-on on the tiny classifier, pixel and latent diffusion model against the recorded runs of the authors' code."""

import pytest

from tests.golden.cases import load
from tests.golden.sfron_checks import check_masks_at_every_gamma, check_whole_case


@pytest.mark.parametrize(
    "name",
    [
        "classifier_sfron", "classifier_sfron_adamw", "classifier_ga_adamw", "ddpm_sfron", "ddpm_ga", "ddpm_rl", "dit_ga",
        "dit_ga_mask", "dit_ga_learned_variance", "dit_rl",
    ],
)  # fmt: skip
def test_run_repeats_the_recording(name: str) -> None:
    check_whole_case(load(name))


@pytest.mark.parametrize("name", ["classifier_mask", "ddpm_mask"])
def test_fishers_and_masks_repeat_the_recording(name: str) -> None:
    check_masks_at_every_gamma(load(name))
