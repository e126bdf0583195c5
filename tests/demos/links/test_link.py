"""A run in the page's address: the same run again, whatever was chosen, and sentences for what nobody can mean."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest
import torch

from demos.links.address import linked, query_of
from demos.links.script import arguments, notebook, script
from demos.links.share import files, qr_svg
from demos.unlearn.form_settings import default_run
from sfr_core import catalog
from sfr_core.asked import words_of
from sfr_core.cancel import CancelToken
from sfr_core.cli import run as cli
from sfr_core.configs import RunConfig
from sfr_core.errors import PlaygroundError
from sfr_core.plan import RunPlan, plan
from sfr_core.presets import resolve
from sfr_core.runs.runner import run as run_session
from sfr_core.runs.session import Session
from sfr_core.zoo import shipped as zoo

RESNET = "fashion-mnist-resnet"


def opened(query: str) -> RunPlan | None:
    return linked(parse_qsl(query.removeprefix("?")), RESNET, default_run)


def planned(**changes: Any) -> RunPlan:
    values = {"model": RESNET, "forget": "class:Bag", "method": "sfr-on", "settings": None, **changes}
    if values["settings"] is None:
        named = {name: values[name] for name in ("preset", "variant") if name in values}
        values["settings"] = resolve(values["model"], values["method"], **named, forget=values["forget"])
    run = plan(RunConfig(**values))
    return replace(run, config=replace(run.config, forget=run.forget.spec.text))


def of_every_method() -> list[RunPlan]:
    found = []
    for card in zoo.cards():
        for method in catalog.able(card.kind):
            begin = default_run(card.id).config
            settings = resolve(card.id, method, forget=begin.forget)
            found.append(plan(replace(begin, method=method, settings=settings)))
    return found


@pytest.mark.parametrize("run", of_every_method(), ids=lambda run: f"{run.config.model}-{run.config.method}")
def test_a_link_opens_the_very_run_that_made_it(run: RunPlan) -> None:
    again = opened(query_of(run))
    assert again is not None
    assert again.config == run.config


def test_a_finished_runs_link_gives_the_same_weights() -> None:
    few = {"steps": 3, "forget_every": 1, "batch_size": 8, "fisher_batches": 1, "fisher_batch_size": 8}
    run = planned(settings={**resolve(RESNET, "sfr-on", forget="class:Bag"), **few})
    found = []
    for _ in range(2):
        session = Session.of_plan(run)
        for _ in run_session(session, cancel=CancelToken(), live_every=10, evaluate=False):
            pass
        assert session.after is not None
        found.append(session.after)
        again = opened(query_of(replace(run, config=session.config)))  # by another visitor
        assert again is not None
        run = again
    assert all(torch.equal(found[0][key], found[1][key]) for key in found[0])


@pytest.mark.parametrize(
    "run",
    [
        planned(forget="class:Bag,Sneaker", seed=7),
        planned(forget="random:0.1@3", preset="thorough"),
        planned(forget="samples:3,17", variant="paper"),
        planned(settings={**resolve(RESNET, "sfr-on", forget="class:Bag"), "steps": 20, "adaptive": False, "clip_remain": None, "lr": 1e-05}),
        planned(model="emoji-sd", forget="concept:cat", method="uce", redirect="a dog & a cat = 100 %?", data="data-free"),
    ],
)  # fmt: skip
def test_what_was_changed_comes_along(run: RunPlan) -> None:
    again = opened(query_of(run))
    assert again is not None
    assert again.config == run.config
    # and as the command line reads it
    args = cli._parser().parse_args(["run", *arguments(run), "--out", "x"])
    wanted = cli._given_config(args)
    assert cli._config(wanted, run.card.kind) == run.config


def test_the_address_is_short_and_can_be_read() -> None:
    assert query_of(planned()) == f"?model={RESNET}&forget=class%3ABag&method=sfr-on&preset=quick&seed=0"
    assert ("set", "steps=20") in words_of(
        planned(settings={**resolve(RESNET, "sfr-on", forget="class:Bag"), "steps": 20}).config, "classifier"
    )


def test_an_address_of_the_page_alone_asks_for_nothing() -> None:
    assert opened("?__theme=dark&tab=learn&seed=3") is None


def test_what_an_address_lacks_is_what_the_page_begins_with() -> None:
    found = opened("?model=emoji-dit")
    assert found is not None
    assert found.config == default_run("emoji-dit").config
    other = opened("?forget=class:bag")
    assert other is not None
    assert (other.config.model, other.config.forget, other.config.method) == (RESNET, "class:Bag", "sfr-on")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?model=../../etc/passwd", "passwd"),
        ("?model=own:0123", ""),
        ("?forget=class:Sneeker", "Did you mean 'Sneaker'"),
        ("?forget=files:@/etc/passwd", ""),
        ("?forget=samples:@/etc/passwd", "cannot be named here"),
        ("?method=uce", ""),
        ("?method=sfr-on&preset=free", "preset"),
        ("?method=sfr-on&seed=1e30", "seed"),
        ("?method=sfr-on&seed=-1", "seed"),
        ("?method=sfr-on&set=steps", "no value"),
        ("?method=sfr-on&set=step:3", "no value"),
        ("?method=sfr-on&set=steps=1e9", "Steps"),
        ("?method=sfr-on&set=lr=nan", "Learning rate"),
        ("?method=sfr-on&set=__class__=1", "field"),
        ("?method=sfr-on&data=shipped&redirect=" + "x" * 5000, "too long"),
    ],
)
def test_hostile_addresses_get_a_sentence(query: str, said: str) -> None:
    with pytest.raises(PlaygroundError) as caught:
        opened(query)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_visitors_own_model_has_no_link() -> None:
    run = planned()
    assert query_of(replace(run, card=replace(run.card, source="own"))) == ""


def test_script_and_notebook_hold_the_command_lines_words() -> None:
    run = planned(
        model="emoji-sd", forget="concept:cat", method="uce", redirect='"""; import os # \'', data="data-free"
    )
    text = script(run, 'UCE forgets """; import os #')
    tree = ast.parse(text)
    assert [type(node).__name__ for node in tree.body] == ["Expr", "ImportFrom", "Assign", "Raise"]
    assigned = tree.body[2]
    assert isinstance(assigned, ast.Assign)
    assert ast.literal_eval(assigned.value) == arguments(run)
    assert len(text.splitlines()) < 25
    book = json.loads(notebook(run, "UCE forgets it"))
    assert [cell["cell_type"] for cell in book["cells"]] == ["markdown", "code", "code"]
    for cell in book["cells"][1:]:
        ast.parse(cell["source"])


def test_the_box_answers_with_files_or_a_sentence() -> None:
    found = files(query_of(planned()), RESNET, default_run, lambda run: "SFR-on forgets Bag")
    assert found["script"][0] == "sfr-on-bag.py"
    assert found["notebook"][0] == "sfr-on-bag.ipynb"
    for hostile in (None, 3, "", "?model=nothing", "?" + "a" * 9000):
        assert set(files(hostile, RESNET, default_run, lambda run: "x")) == {"error"}
    assert qr_svg("https://example.org/?model=x")["svg"].startswith("<svg")
    for bad in (None, "javascript:alert(1)", "https://example.org/" + "a" * 3000):
        assert set(qr_svg(bad)) == {"error"}
