"""Only what differs, all of what differs."""

from __future__ import annotations

from dataclasses import replace

from demos.records.diff import config_differences, result_differences, show
from sfr_core.catalog.sfron import SFRonConfig
from sfr_core.configs import EpochConfig
from tests.demos.compare_examples import config, measured, record, result


def test_equal_runs_differ_in_nothing() -> None:
    assert config_differences(record(), record(key="b" * 32)) == ()
    assert result_differences(record(), record(key="b" * 32)) == ()


def test_two_changed_fields_are_the_only_lines() -> None:
    other = record(config=config(seed=8, settings=SFRonConfig(steps=4, alpha=2.5, mask=False).to_dict()))
    lines = config_differences(record(), other)
    assert [(d.group, d.name, d.a, d.b, d.change) for d in lines] == [
        ("config", "seed", "7", "8", "+1"),
        ("setting", "alpha", "10", "2.5", "-7.5"),
        ("setting", "mask", "on", "off", ""),
    ]


def test_settings_of_another_method_show_a_dash_where_there_is_none() -> None:
    other = record(config=config(method="finetune", settings=EpochConfig().to_dict()))
    lines = {d.name: (d.a, d.b) for d in config_differences(record(), other)}
    assert lines["method"] == ("sfr-on", "finetune")
    assert lines["gamma"] == ("1", "–")
    assert lines["epochs"] == ("–", "10")
    assert "momentum" not in lines


def test_results_list_every_number_that_moved_with_its_change() -> None:
    other = record(
        result=result(after=measured(FA=2.5, KL=None), seconds=8.0, device="CUDA, bf16", versions={"torch": "2.9"})
    )
    lines = [(d.group, d.name, d.a, d.b, d.change) for d in result_differences(record(), other)]
    assert lines == [
        ("after", "Forget accuracy (FA) (%)", "0", "2.5", "+2.5"),
        ("after", "Divergence from retrained (KL) (nats)", "0.25", "none", ""),
        ("result", "Time of unlearning alone (s)", "6", "8", "+2"),
        ("result", "device", "CPU, fp32", "CUDA, bf16", ""),
        ("version", "torch", "2.14.1", "2.9", ""),
    ]


def test_a_missing_retrained_model_and_a_missing_result_are_differences() -> None:
    alone = record(result=result(retrained=None))
    assert [(d.group, d.a, d.b) for d in result_differences(record(), alone)] == [("retrained", "there", "none")]
    unfinished = record(result=None, state="cancelled")
    assert [(d.name, d.a, d.b) for d in result_differences(record(), unfinished)] == [
        ("state", "finished", "cancelled"),
        ("full-set metrics", "measured", "none"),
    ]


def test_one_and_true_are_not_the_same_setting() -> None:
    a = record(config=config(method="other", settings={"x": 1, "y": None}))
    b = record(config=config(method="other", settings={"x": True, "y": 0}))
    assert [(d.name, d.a, d.b) for d in config_differences(a, b)] == [("x", "1", "on"), ("y", "none", "0")]


def test_a_setting_that_one_method_lacks_and_the_other_has_switched_off_is_no_difference() -> None:
    a = record(config=config(method="one", settings={}))
    b = record(config=config(method="two", settings={"forget_down_to": None, "mask": False, "epochs": 0}))
    assert [(d.name, d.a, d.b) for d in config_differences(a, b)] == [("method", "one", "two"), ("epochs", "–", "0")]


def test_a_setting_that_an_older_file_leaves_out_has_its_default() -> None:
    older = SFRonConfig(steps=4).to_dict()
    del older["slow_beta"], older["gamma"]
    whole = record(config=config(settings=SFRonConfig(steps=4).to_dict()))
    assert config_differences(record(config=config(settings=older)), whole) == ()


def test_runs_are_compared_as_they_were_run() -> None:
    used = {**config().to_json(), "precision": "bf16", "threads": 2}
    live = record(result=result(config=used))
    assert live.config.precision != "bf16"
    imported = record(config=replace(config(), precision="bf16", threads=2), result=result(config=used))
    assert config_differences(live, imported) == ()
    other = record(result=result(config={**used, "threads": 4}))
    assert [(d.name, d.a, d.b) for d in config_differences(live, other)] == [("threads", "2", "4")]
    # A file from before threads were written does not say that there were none.
    older = record(result=result(config={**config().to_json(), "precision": "bf16"}))
    assert config_differences(live, older) == ()


def test_values_as_text() -> None:
    assert [show(v) for v in (None, True, 12345, 12, 0.1, 1e-15, "x")] == [
        "none",
        "on",
        "12,345",
        "12",
        "0.1",
        "1e-15",
        "x",
    ]
