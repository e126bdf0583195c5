"""A CLIP asked on the page: for which runs, what is said before anything is fetched, the fetch, the scores, and their words."""

from __future__ import annotations

import threading
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
from demos.jobs.side_jobs import SideJob
from demos.panel import ShownRun
from demos.records.record import RunRecord
from demos.result import clip_score, recovery
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
from tests.demos.generator_examples import config, record, report
from tests.demos.page_text import seen
from tests.demos.shown_runs import ANN, BOB, WITH_WEIGHTS, clicked, ended, ran

ROLES = ("direct", "paraphrase", "neighbour", "other")


@pytest.fixture
def served(ctx: PageContext, hub: StubHub, tmp_path: Path) -> StubHub:  # noqa: F811
    """A Hub on this machine whose openai/clip-vit-large-patch14 is a tiny CLIP."""
    name = read_name(CLIP)
    hub.repos[name.repo] = StubRepo(tiny_clip.clip_folder(tmp_path / "clip"), commit=name.revision)
    return hub


@pytest.fixture
def folder(ctx: PageContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tiny CLIP in the folder that the owner of the page set."""
    made = tiny_clip.clip_folder(tmp_path / "tiny-clip")
    monkeypatch.setenv(SWITCH, str(made))
    return made


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """That of a run that changed every weight that reads a prompt."""
    made = sd_session(tmp_path / "sd")
    made.take_up({name: value * 1.5 for name, value in made.before.items() if "attn2" in name})
    return made


def of_concept(**changes: Any) -> RunRecord:
    return record(config=config(forget="concept:cat"), roles=ROLES, **changes)


class Shown(ShownRun):
    """A run that reads like the example's, whatever it was."""

    def record(self, browser: Any) -> RunRecord:
        return of_concept()


def panel(ctx: PageContext, session: Any = WITH_WEIGHTS, **changes: Any) -> clip_score.ClipScore:
    """The panel below Ann's run that left this session."""
    return clip_score.ClipScore(Shown(ctx, "test", ran(ctx, session).key), of_concept(**changes))


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
        "fell for the prompts that the run forgets (by 10.00); it did not change beyond chance for distant concepts."
        in text
    )
    assert "by hub:a/clip@1; n = pictures of each model" in text
    assert "50 sampler steps, guidance 7.5; took 1 min 5 s" in text
    two = clip_score.found_html({who: one for who, one in found.items() if who != "retrained"}, 65.0)
    assert "retrained" not in two


@pytest.mark.parametrize(
    ("mean", "words"),
    [
        (-4.1, "prompts fell for its neighbours (by 4.10) and distant concepts (by 4.10)."),
        (4.1, "prompts rose for its neighbours (by 4.10) and distant concepts (by 4.10)."),
        (-4.0, "prompts did not change beyond chance for its neighbours and distant concepts."),
    ],
)
def test_a_change_counts_beyond_twice_its_error(mean: float, words: str) -> None:
    assert words in clip_score.sentence({"neighbour": Agreement(mean, 2.0, 20), "other": Agreement(mean, 2.0, 20)})


def test_it_is_there_for_concepts_whose_samples_are_kept(
    ctx: PageContext, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clip_score.scores(of_concept())
    part = panel(ctx)
    assert part.start.interactive is True
    assert part.fetch.visible is False
    assert "the CLIP in the folder tiny-clip of this machine" in part.about.value
    assert str(folder.parent) not in part.about.value
    stopped = of_concept(reports={"before": report(100, [0, 0, 1, 1, 2, 2])})
    assert not any(map(clip_score.scores, (record(), of_concept(reports={}), stopped)))
    assert panel(ctx, state="imported").start.interactive is False
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    zero = panel(ctx)
    assert zero.start.interactive is False
    assert zero.fetch.visible is False
    assert "are gone when it ends" in zero.status.value


def test_size_and_licence_are_said_before_anything_is_fetched(ctx: PageContext, served: StubHub) -> None:
    part = panel(ctx)
    for said in (
        "openai/clip-vit-large-patch14",
        "downloaded once from the Hugging Face Hub when you ask for it (1.7 GB)",
        "states none",
        "under MIT",
    ):
        assert said in part.about.value
    assert part.fetch.visible is True
    assert part.start.interactive is False
    assert served.asked.total() == 0
    with pytest.raises(InputError, match=r"CLIP is not on this machine\. Download it first"):
        part.begin(ANN, of_concept(), 4)


def test_it_is_fetched_by_its_button_and_then_needs_no_network(
    ctx: PageContext, served: StubHub, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = panel(ctx, session)
    seen = list(clicked(part.fetch)(ANN))
    assert "Asking the Hub for its files" in seen[0][2]
    button, stop, status, start, about = seen[-1]
    assert button.visible is False
    assert (stop.interactive, start.interactive) == (False, True)
    assert "CLIP is downloaded and verified" in status
    assert "already on this machine" in about
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    job = ended(part.begin(ANN, of_concept(), 4))
    assert job.state == "done", job.error
    assert job.outcomes["after"].clip == CLIP
    assert clip_folder(CLIP)[1] == CLIP


def test_without_a_network_one_sentence_and_nothing_changes(
    ctx: PageContext, served: StubHub, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    after = {name: value.clone() for name, value in session.after.items()}  # type: ignore[union-attr]
    button, _, status, *rest = list(clicked(panel(ctx, session).fetch)(ANN))[-1]
    assert button.interactive is True
    assert status.startswith('<p class="cmp-alert" role="alert">')
    assert "The Hub cannot be reached, and hub:openai/clip-vit-large-patch14@" in status
    assert "Connect to the network" in status
    assert all(value == gr.skip() for value in rest)
    assert all(torch.equal(value, after[name]) for name, value in session.task.model.state_dict().items())
    assert not (tmp_path / "cache").exists()
    assert not ctx.book.slot.locked()


def test_a_damaged_download_is_one_sentence(ctx: PageContext, served: StubHub) -> None:
    served.repos[read_name(CLIP).repo].lie.add("model.safetensors")
    job = ended(panel(ctx).begin_fetch(ANN, of_concept()))
    assert job.state == "failed"
    assert "its hash is not the Hub's" in seen(downloads.unfinished_html(job))


def test_a_hub_that_answers_with_an_error_is_one_sentence(ctx: PageContext, served: StubHub) -> None:
    served.repos[read_name(CLIP).repo].fail = 503
    with pytest.raises(HubError, match="The Hub answered with error 503"):
        panel(ctx).begin_fetch(ANN, of_concept())


def test_scores_are_those_of_every_model_of_the_run(ctx: PageContext, folder: Path, session: Session) -> None:
    session.retrained = Retrained({name: value * 0.5 for name, value in session.before.items()}, 1.0)
    part = panel(ctx, session)
    seen = list(clicked(part.start)(ANN, 4))
    job = part.jobs[ANN["visitor"]]
    assert job.models == ("before", "after", "retrained")
    assert seen[-1][2] == clip_score.found_html(job.outcomes, job.seconds)
    clip, sampler = Clip(folder, torch.device("cpu")), protocol_of(session.card)
    for who, one in job.outcomes.items():
        alone = drained(agree(session.task, sampler, clip, 4, session.reference(who)))  # type: ignore[arg-type]
        assert list(one.by_role) == list(alone) == list(ROLES)
        assert all(np.array_equal(one.by_role[role], alone[role]) for role in alone)
        assert (one.clip, one.steps, one.guidance) == ("tiny-clip", 4, 2.0)
    means = {who: one.by_role["direct"].mean() for who, one in job.outcomes.items()}
    assert len(set(means.values())) == 3
    assert not ctx.book.slot.locked()


def test_only_the_owner_of_a_run_with_weights_can_score(ctx: PageContext, folder: Path) -> None:
    gone = SimpleNamespace(before=None, after=None)
    for browser, session in ((ANN, None), (ANN, gone), (BOB, WITH_WEIGHTS)):
        part = panel(ctx, session)
        with pytest.raises(InputError, match="no longer in memory"):
            part.begin(browser, of_concept(), 4)
        with pytest.raises(InputError, match="no longer in memory"):
            part.begin_fetch(browser, of_concept())
    for n in (3, 10**6, None, "many"):
        with pytest.raises(InputError, match="listed numbers of pictures"):
            panel(ctx).begin(ANN, of_concept(), n)
    assert not ctx.book.slot.locked()


def test_no_clip_in_the_folder_is_one_sentence(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, str(tmp_path / "nowhere"))
    job = ended(clip_score.start(threading.Lock(), session, 4))
    assert job.state == "failed"
    assert "There is no CLIP in" in clip_score.ended(of_concept(), job, 4)[1]


def test_progress_says_with_which_model_and_stop_stops(folder: Path, session: Session) -> None:
    """16 pictures: two batches of 4 sampler steps and one of scores, with each of two models."""
    slot = threading.Lock()
    with slot:
        job = clip_score.start(slot, session, 4)
        assert "Waiting for the current run" in clip_score.progress_html(job)
        shown: SideJob[Any] = replace(job, state="working", model="after", done=5)
        assert '<progress max="18" value="14"' in clip_score.progress_html(shown)
        assert "Drawing and scoring with the model after the run: step 5 of 9." in clip_score.progress_html(shown)
        job.cancel.cancel()
    assert ended(job).state == "stopped"
    assert "Stopped. Nothing was changed." in clip_score.ended(of_concept(), job, 4)[1]


def test_a_run_that_was_rolled_back_meanwhile_is_not_scored_as_another(folder: Path, session: Session) -> None:
    slot = threading.Lock()
    with slot:
        job = clip_score.start(slot, session, 4)
        other = recovery.start(slot, session)
        session.rollback()
    assert ended(job).state == "failed"
    assert "no longer in memory" in clip_score.ended(of_concept(), job, 4)[1]
    assert (ended(other).state, other.outcomes) == ("failed", {})
    assert "no longer in memory" in other.error


def test_expected_time_counted_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []

    def expected(run: Any, n: int) -> float:
        drawn.append(n)
        return n / 2

    monkeypatch.setattr("demos.panel.plan", lambda _: None)
    monkeypatch.setattr(estimate, "drawn", expected)
    assert clip_score.time_text(of_concept(), 20) == (
        "Drawing takes about 2 min (from passes that were timed on this machine). CLIP then scores 240 pictures, about 2 s each on one CPU core."
    )
    two = of_concept(reports={who: report(100, [0, 0, 1, 1, 2, 2]) for who in ("before", "after")})
    clip_score.time_text(two, 4)
    clip_score.time_text(replace(two, roles=("direct", "direct", "other")), "many")
    assert drawn == [3 * 4 * 20, 2 * 4 * 4, 2 * 2 * clip_score.SIZE]
