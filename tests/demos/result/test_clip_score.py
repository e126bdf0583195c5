"""A CLIP asked on the page: for which runs, what is said before anything is fetched, the fetch, the scores, and their words."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
import torch
from huggingface_hub import constants

from demos.context import PageContext
from demos.jobs import downloads, estimate
from demos.jobs.book import JobBook
from demos.jobs.side_jobs import SideJob
from demos.records.record import RunRecord
from demos.result import clip_run as clip_score
from demos.result import clip_score as panel
from demos.result import recovery_run as attack
from sfr_core.errors import HubError, InputError
from sfr_core.hub.clip import CLIP, SWITCH, clip_folder
from sfr_core.hub.names import read_name
from sfr_core.metrics.agreement import Agreement, Clip, agree
from sfr_core.ops.stepwise import drained
from sfr_core.runs.sampling import protocol_of
from sfr_core.runs.session import Retrained, Session
from tests.core import tiny_clip
from tests.core.hub.conftest import hub, saved  # noqa: F401
from tests.core.hub_stub import StubHub, StubRepo
from tests.core.tiny_sd import sd_session
from tests.demos.compare_examples import planned
from tests.demos.generator_examples import config, record, report
from tests.demos.page_text import seen

ANN, BOB = {"visitor": "a" * 32}, {"visitor": "b" * 32}
PATIENCE = 60.0
ROLES = ("direct", "paraphrase", "neighbour", "other")


@pytest.fixture(autouse=True)
def own_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PLAYGROUND_PUBLIC", "SPACE_ID", "SPACES_ZERO_GPU", SWITCH):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def served(hub: StubHub, tmp_path: Path) -> StubHub:  # noqa: F811
    """A Hub on this machine whose openai/clip-vit-large-patch14 is a tiny CLIP."""
    name = read_name(CLIP)
    hub.repos[name.repo] = StubRepo(tiny_clip.clip_folder(tmp_path / "clip"), commit=name.revision)
    return hub


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny CLIP in the folder that the owner of the page set."""
    made = tiny_clip.clip_folder(tmp_path / "tiny-clip")
    monkeypatch.setenv(SWITCH, str(made))
    return made


@pytest.fixture
def part() -> Iterator[panel.ClipScore]:
    with gr.Blocks():
        ctx = PageContext(book=JobBook(lambda job: iter(())), browser=gr.BrowserState({}), job=gr.State(""))
        yield panel.ClipScore(ctx, "test", gr.State(""))


def ran(folder: Path) -> Session:
    """The session of a run that changed every weight that reads a prompt."""
    session = sd_session(folder)
    session.take_up({name: value * 1.5 for name, value in session.before.items() if "attn2" in name})
    return session


def of_concept(**changes: Any) -> RunRecord:
    return record(config=config(forget="concept:cat"), roles=ROLES, **changes)


def owned(part: panel.ClipScore, session: Any) -> str:
    """Key of Ann's run that ended with this session."""
    job = part.ctx.book.submit(ANN["visitor"], planned(config()))
    while job.active:
        time.sleep(0.01)
    job.session = session
    return job.id


def ended(wish: SideJob[Any]) -> SideJob[Any]:
    limit = time.monotonic() + PATIENCE
    while wish.active:
        assert time.monotonic() < limit
        time.sleep(0.02)
    return wish


def test_the_table_and_the_sentence_counted_by_hand() -> None:
    """Before 20, 25, 30 and after 10, 15, 20: each pair falls by 10 exactly, although the means have errors of 5 / sqrt(3) = 2.9."""

    def scores(direct: list[float], other: list[float]) -> clip_score.Scores:
        by_role = {"direct": np.array(direct), "other": np.array(other)}
        return clip_score.Scores(by_role, "hub:a/clip@1", 50, 7.5)  # type: ignore[arg-type]

    found = {
        "before": scores([20.0, 25.0, 30.0], [20.0, 22.0, 24.0]),
        "after": scores([10.0, 15.0, 20.0], [24.0, 20.0, 22.0]),
        "retrained": scores([9.0, 9.0, 9.0], [21.0, 21.0, 21.0]),
    }
    text = seen(clip_score.found_html(found, 65.0))
    cells = ("25.0 ± 2.9", "15.0 ± 2.9", "9.0 ± 0.0", "\u221210.00 ± 0.00", "3")
    assert " ".join(("The prompts that the run forgets", *cells)) in text
    # Changes 4, -2, -2: mean 0, spread sqrt(12), error 2.
    assert "22.0 ± 1.2 22.0 ± 1.2 21.0 ± 0.0 +0.00 ± 2.00" in text
    assert (
        "fell for the prompts that the run forgets (by 10.00); it did not change by more than chance for everything else."
        in text
    )
    assert "by hub:a/clip@1; n = pictures of each model" in text
    assert "50 sampler steps, guidance 7.5; took 1 min 5 s" in text
    two = clip_score.found_html({who: one for who, one in found.items() if who != "retrained"}, 65.0)
    assert "retrained" not in two


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        (-4.1, "prompts fell for its neighbours (by 4.10) and everything else (by 4.10)."),
        (4.1, "prompts rose for its neighbours (by 4.10) and everything else (by 4.10)."),
        (-4.0, "prompts did not change by more than chance for its neighbours and everything else."),
    ],
)
def test_a_change_counts_beyond_twice_its_error(mean: float, words: str) -> None:
    assert words in clip_score.sentence({"neighbour": Agreement(mean, 2.0, 20), "other": Agreement(mean, 2.0, 20)})


def test_it_is_there_for_concepts_whose_samples_are_kept(
    part: panel.ClipScore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = part.updates_of(of_concept(), live=True)
    assert shown[part.box]["visible"] is True
    assert shown[part.start]["interactive"] is True
    assert shown[part.fetch]["visible"] is False
    assert "The CLIP in the folder tiny-clip of this machine" in shown[part.about]
    assert str(folder.parent) not in shown[part.about]
    stopped = of_concept(reports={"before": report(100, [0, 0, 1, 1, 2, 2])})
    for other in (record(), of_concept(reports={}), stopped):
        assert part.updates_of(other, live=True)[part.box]["visible"] is False
    assert part.updates_of(of_concept(), live=False)[part.start]["interactive"] is False
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    zero = part.updates_of(of_concept(), live=True)
    assert zero[part.start]["interactive"] is False
    assert zero[part.fetch]["visible"] is False
    assert "live no longer than the run" in zero[part.status]


def test_size_and_licence_are_said_before_anything_is_fetched(part: panel.ClipScore, served: StubHub) -> None:
    shown = part.updates_of(of_concept(), live=True)
    for said in ("openai/clip-vit-large-patch14", "1.7 GB from the Hugging Face Hub", "states none", "under MIT"):
        assert said in shown[part.about]
    assert shown[part.fetch]["visible"] is True
    assert shown[part.start]["interactive"] is False
    assert served.asked.total() == 0
    with pytest.raises(InputError, match=r"The CLIP is not on this machine\. Fetch it first"):
        part.begin(ANN, owned(part, SimpleNamespace(before=None, after={})), 4)


def test_it_is_fetched_by_its_button_and_then_needs_no_network(
    part: panel.ClipScore, served: StubHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = owned(part, ran(tmp_path / "sd"))
    fetch, _ = part.wire(lambda browser, key: of_concept())
    seen = list(fetch.fn(ANN, key))
    assert "Asking the Hub for its files" in seen[0][2]
    button, stop, status, start, about = seen[-1]
    assert button.visible is False
    assert (stop.interactive, start.interactive) == (False, True)
    assert "The CLIP is here now" in status
    assert "no network is needed" in about
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    wish = ended(part.begin(ANN, key, 4))
    assert wish.state == "done", wish.error
    assert wish.outcomes["after"].clip == CLIP
    assert clip_folder(CLIP)[1] == CLIP


def test_without_a_network_one_sentence_and_nothing_changes(
    part: panel.ClipScore, served: StubHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    session = ran(tmp_path / "sd")
    after = {name: value.clone() for name, value in session.after.items()}  # type: ignore[union-attr]
    key = owned(part, session)
    fetch, _ = part.wire(lambda browser, key: of_concept())
    button, _, status, *rest = list(fetch.fn(ANN, key))[-1]
    assert button.interactive is True
    assert status.startswith('<p class="cmp-alert" role="alert">')
    assert "The Hub cannot be reached, and hub:openai/clip-vit-large-patch14@" in status
    assert "Connect to the network" in status
    assert all(value == gr.skip() for value in rest)
    assert all(torch.equal(value, after[name]) for name, value in session.task.model.state_dict().items())
    assert not (tmp_path / "cache").exists()
    assert not part.ctx.book.slot.locked()


def test_a_damaged_download_is_one_sentence(part: panel.ClipScore, served: StubHub) -> None:
    served.repos[read_name(CLIP).repo].lie.add("model.safetensors")
    wish = ended(part.begin_fetch(ANN, owned(part, SimpleNamespace(before=None, after={}))))
    assert wish.state == "failed"
    assert "its hash is not the Hub's" in seen(downloads.unfinished_html(wish))


def test_scores_are_those_of_every_model_of_the_run(part: panel.ClipScore, folder: Path, tmp_path: Path) -> None:
    session = ran(tmp_path / "sd")
    session.retrained = Retrained({name: value * 0.5 for name, value in session.before.items()}, 1.0)
    key = owned(part, session)
    _, start = part.wire(lambda browser, key: of_concept())
    seen = list(start.fn(ANN, key, 4))
    wish = part.jobs[ANN["visitor"]]
    assert wish.models == ("before", "after", "retrained")
    assert seen[-1][2] == clip_score.found_html(wish.outcomes, wish.seconds)
    clip, sampler = Clip(folder, torch.device("cpu")), protocol_of(session.card)
    for who, one in wish.outcomes.items():
        alone = drained(agree(session.task, sampler, clip, 4, session.reference(who)))  # type: ignore[arg-type]
        assert list(one.by_role) == list(alone) == list(ROLES)
        assert all(np.array_equal(one.by_role[role], alone[role]) for role in alone)
        assert (one.clip, one.steps, one.guidance) == ("tiny-clip", 4, 2.0)
    means = {who: one.by_role["direct"].mean() for who, one in wish.outcomes.items()}
    assert len(set(means.values())) == 3
    assert not part.ctx.book.slot.locked()


def test_only_the_owner_of_a_run_with_weights_can_ask(part: panel.ClipScore, folder: Path) -> None:
    key = owned(part, None)
    job = part.ctx.book.owned(ANN["visitor"], key)
    assert job is not None
    left, gone = SimpleNamespace(before=None, after={}), SimpleNamespace(before=None, after=None)
    for browser, job.session in ((ANN, None), (ANN, gone), (BOB, left)):
        with pytest.raises(InputError, match="not in memory any more"):
            part.begin(browser, key, 4)
        with pytest.raises(InputError, match="not in memory any more"):
            part.begin_fetch(browser, key)
    job.session = left
    for n in (3, 10**6, None, "many"):
        with pytest.raises(InputError, match="offered numbers of pictures"):
            part.begin(ANN, key, n)
    assert not part.ctx.book.slot.locked()


def test_no_clip_in_the_folder_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SWITCH, str(tmp_path / "nowhere"))
    wish = ended(clip_score.start(threading.Lock(), ran(tmp_path / "sd"), 4))
    assert wish.state == "failed"
    assert "There is no CLIP in" in panel.ended(of_concept(), wish, 4)[1]


def test_progress_says_with_which_model_and_stop_stops(folder: Path, tmp_path: Path) -> None:
    """16 pictures: two batches of 4 sampler steps and one of scores, with each of two models."""
    slot = threading.Lock()
    with slot:
        wish = clip_score.start(slot, ran(tmp_path / "sd"), 4)
        assert "Waiting until the run" in panel.progress_html(wish)
        shown: SideJob[Any] = replace(wish, state="working", model="after", done=5)
        assert '<progress max="18" value="14"' in panel.progress_html(shown)
        assert "Drawing and scoring with the model after the run: step 5 of 9." in panel.progress_html(shown)
        wish.cancel.cancel()
    assert ended(wish).state == "stopped"
    assert "Stopped. Nothing was changed." in panel.ended(of_concept(), wish, 4)[1]


def test_a_run_that_was_rolled_back_meanwhile_is_not_scored_as_another(folder: Path, tmp_path: Path) -> None:
    slot, session = threading.Lock(), ran(tmp_path / "sd")
    with slot:
        wish = clip_score.start(slot, session, 4)
        other = attack.start(slot, session, before=False)
        session.rollback()
    assert ended(wish).state == "failed"
    assert "not in memory any more" in panel.ended(of_concept(), wish, 4)[1]
    while other.active:
        time.sleep(0.01)
    assert (other.state, other.outcomes) == ("failed", {})
    assert "not in memory any more" in other.error


def test_expected_time_counted_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def drawn(run: Any, seconds: Any, n: int) -> estimate.Estimate:
        asked.append(n)
        return estimate.Estimate(n / 2, "measured")

    monkeypatch.setattr(clip_score, "plan", lambda _: None)
    monkeypatch.setattr(estimate, "drawn", drawn)
    assert clip_score.time_text(of_concept(), 20) == (
        "Drawing takes about 2 min (from the speed of this run). A large CLIP then scores 240 pictures, about 2 s each on one CPU core."
    )
    two = of_concept(reports={who: report(100, [0, 0, 1, 1, 2, 2]) for who in ("before", "after")})
    clip_score.time_text(two, 4)
    clip_score.time_text(replace(two, roles=("direct", "direct", "other")), "many")
    assert asked == [3 * 4 * 20, 2 * 4 * 4, 2 * 2 * clip_score.SIZE]


def test_a_hub_that_answers_with_an_error_is_one_sentence(part: panel.ClipScore, served: StubHub) -> None:
    served.repos[read_name(CLIP).repo].fail = 503
    with pytest.raises(HubError, match="The Hub answered with error 503"):
        part.begin_fetch(ANN, owned(part, SimpleNamespace(before=None, after={})))
