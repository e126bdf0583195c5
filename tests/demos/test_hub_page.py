"""Models of the Hub on the page, from a Hub on this machine: what is said before a download, the download, and its end."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from demos import hub as hub_page
from demos import hub_copy as words
from demos import live
from demos.pages import form_cards, form_values
from demos.pages import hub as panel
from demos.wishes import Wish
from sfr_core import zoo
from sfr_core.cards import ModelCard
from sfr_core.errors import HubError, InputError
from tests.core.hub.conftest import hub, pickled, saved  # noqa: F401
from tests.core.hub_stub import COMMIT, StubHub
from tests.core.own_files import write_own

DIT, SD = f"hub:tiny/dit@{COMMIT}", f"hub:tiny/sd@{COMMIT}"
PATIENCE = 60.0


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    yield
    zoo._of_hub.clear()
    zoo._visitors.clear()


def ended(wish: Wish[ModelCard]) -> Wish[ModelCard]:
    limit = time.monotonic() + PATIENCE
    while wish.active:
        assert time.monotonic() < limit
        time.sleep(0.02)
    return wish


def test_a_look_tells_licence_sizes_and_memory_and_downloads_no_weights(hub: StubHub) -> None:  # noqa: F811
    found = panel.look_up(" tiny/sd ")
    text = hub_page.found_html(found)
    assert found.model.id == SD
    for said in ("tiny/sd", "creativeml-openrail-m", COMMIT[:12], words.MEMORY, words.MEMORY_PROMPT, "text-to-image"):
        assert said in text
    assert found.openable
    assert 'role="alert"' not in text
    assert set(hub.ranges) == {"bytes=0-100000"}  # the heads of the weights, which say their shapes
    assert found.description.missing > 0


def test_memory_that_is_not_there_is_said_before_the_download(hub: StubHub) -> None:  # noqa: F811
    described = hub_page.look("tiny/dit").description
    short = hub_page.Found(described, 1000)
    assert short.smallest is not None
    assert short.smallest > 1000
    assert short.too_large
    assert "Forgetting step by step takes at least" in hub_page.found_html(short)
    assert not hub_page.Found(described, short.smallest).too_large
    assert not hub_page.Found(described, None).too_large  # a system that does not tell


def test_pickles_name_the_command_that_converts_them(pickled: StubHub) -> None:  # noqa: F811
    found = hub_page.look("tiny/dit")
    assert not found.openable
    assert f"<code>python -m sfr_core convert {DIT}</code>" in hub_page.found_html(found)


@pytest.mark.parametrize(
    ("name", "said"), [("", "No model is named"), (None, "No model is named"), ("a b", "names no model")]
)
def test_a_name_that_is_none_is_one_sentence(name: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        panel.look_up(name)


def test_a_public_page_opens_only_what_it_offers(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setenv("PLAYGROUND_PUBLIC", "1")
    with pytest.raises(HubError, match="opens only the models that it offers"):
        panel.look_up("tiny/sd")


def test_a_download_opens_the_model_and_puts_it_among_the_cards(hub: StubHub) -> None:  # noqa: F811
    found = hub_page.look("tiny/sd")
    wish = ended(hub_page.download(found))
    assert wish.state == "done", wish.error
    assert wish.steps == found.description.missing // 1000
    assert f'data-model="{SD}"' in hub_page.ended_html(wish)
    (card,) = wish.outcomes.values()
    assert zoo.card(SD) is card
    shown = form_cards.model_value(SD, [SD])
    assert shown["selected"] == [SD]
    assert shown["items"][-1]["id"] == SD
    assert "from the Hugging Face Hub" in shown["items"][-1]["detail"][-1]
    assert form_values.own_ids(shown) == (SD,)
    assert form_values.takes_own_words(SD)
    assert not form_values.takes_own_words("emoji-sd")
    assert live.dataset(SD).class_names[:2] == ("cat", "dog")
    # Once it is here, a look says so and the download has nothing to do.
    again = hub_page.look("tiny/sd")
    assert "all here already" in hub_page.found_html(again)


def test_a_stopped_download_keeps_what_came_and_is_taken_up(hub: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 512)
    monkeypatch.setattr(hub_page, "LOOK_SECONDS", 0.001)
    found = hub_page.look("tiny/sd")

    def slow(watch: object) -> ModelCard:
        def slower(n: int) -> None:
            time.sleep(0.005)
            watch(n)  # type: ignore[operator]

        return hub_page.open_generator(found.model, slower)

    wish = hub_page.download(found, slow)
    while wish.state == "waiting" or (wish.active and wish.done == 0):
        time.sleep(0.001)
    assert "kB of" in hub_page.progress_html(wish)
    wish.cancel.cancel()
    assert ended(wish).state == "stopped"
    assert words.STOPPED in hub_page.ended_html(wish)
    assert SD not in zoo._of_hub
    assert ended(hub_page.download(hub_page.look("tiny/sd"))).state == "done"


def test_a_damaged_file_is_one_sentence(hub: StubHub) -> None:  # noqa: F811
    found = hub_page.look("tiny/dit")
    hub.repos["tiny/dit"].lie = {"vae/diffusion_pytorch_model.safetensors"}
    wish = ended(hub_page.download(found))
    assert wish.state == "failed"
    assert "its hash is not the Hub&#x27;s" in hub_page.ended_html(wish)


def test_a_classifier_comes_with_uploaded_pictures(hub: StubHub, tmp_path: Path) -> None:  # noqa: F811
    files = write_own(tmp_path / "own", "torchvision:shufflenet_v2_x0_5?size=32")
    shutil.copy(files.weights, hub.repos["tiny/net"].folder / "model.safetensors")
    data = shutil.make_archive(str(tmp_path / "squares"), "zip", files.data)
    found = hub_page.look("tiny/net")
    with pytest.raises(InputError, match="needs its pictures"):
        panel._with_pictures(found.model, None, "")
    with pytest.raises(InputError, match="not the plain name"):
        panel._with_pictures(found.model, data, "../x")
    opener = panel._with_pictures(found.model, data, "torchvision:shufflenet_v2_x0_5")
    wish = ended(hub_page.download(found, opener))
    assert wish.state == "done", wish.error
    (card,) = wish.outcomes.values()
    assert card.id.startswith(zoo.OWN)
    assert card.source == "hub"
    assert zoo.open_dataset(card).class_names == ("blue", "green", "red")
    # Without a name and without a config.json nobody knows the network.
    with pytest.raises(InputError, match="does not say which network it is"):
        panel._with_pictures(found.model, data, "")
