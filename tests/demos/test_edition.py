"""The static edition: plain files that need no server, with everything in them."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from demos import edition
from demos.static_files import plotly_file, read
from sfr_core.errors import AssetError, InputError, RunError
from sfr_core.zoo import shipped as zoo

MOST = 8_000_000
"""Bytes of an edition."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("edition") / "new" / "out"
    edition.write(out)
    return out


class Elements(HTMLParser):
    """Attributes of every element, and the text of script elements by their id or type."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.inside = str(dict(attrs).get("id") or dict(attrs).get("type")) if tag == "script" else ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.scripts[self.inside] = self.scripts.get(self.inside, "") + data

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""


@pytest.fixture(scope="module")
def page(folder: Path) -> Elements:
    return Elements((folder / "index.html").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def held(folder: Path) -> dict[str, Any]:
    text = (folder / "recordings.js").read_text(encoding="utf-8")
    assert text.startswith("window.playgroundData = ")
    (packed,) = re.findall(r"atob\('([^']*)'\)", text)
    found: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(packed)))
    return found


def test_it_is_three_files_and_small(folder: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
    assert set(sizes) == {"index.html", "recordings.js", "plotly.min.js"}
    assert sum(sizes.values()) < MOST


def test_the_page_names_no_address_of_the_network(page: Elements, folder: Path) -> None:
    named = [
        value or ""
        for _, attributes in page.found
        for name, value in attributes.items()
        if name in ("src", "href", "action")
    ]
    named += re.findall(r"url\(([^)]*)\)", (folder / "index.html").read_text(encoding="utf-8"))
    assert [address for address in named if not address.strip("'\"").startswith(("data:", "#", "?"))] == []
    policy = next(str(a["content"]) for _, a in page.found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert "http" not in policy


def test_every_shipped_model_is_recorded_with_its_result(page: Elements, held: dict[str, Any]) -> None:
    live = json.loads(page.scripts["given"])["live"]
    recordings = {one["key"]: held[one["fetch"]] for one in live["recordings"]}
    assert {key.split("-class:")[0].split("-concept:")[0].split("-random:")[0] for key in recordings} == {
        f"recorded-{card.id}" for card in zoo.cards()
    }
    for key, value in recordings.items():
        assert value["key"] == key
        assert len(value["frames"]) > 5
        assert "cmp-verdict" in value["ending"]
        assert 'src="data:image/' in value["ending"]
    assert live["value"]["fetch"] in held
    assert held[live["value"]["fetch"]]["key"] == "recorded-emoji-dit-class:flags"


def test_the_modules_are_those_of_the_live_page(page: Elements) -> None:
    imports = json.loads(page.scripts["importmap"])["imports"]
    assert {"edition.js", "learn.js", "live.js", "curves.js", "toy.js"} <= set(imports)
    for name, address in imports.items():
        text = base64.b64decode(address.removeprefix("data:text/javascript;base64,")).decode()
        assert text == read(name).replace("from './", "from '")
        assert set(re.findall(r"from '([^']*)'", text)) <= set(imports)
        assert "import(" not in text


def test_the_lesson_comes_whole(page: Elements) -> None:
    given = json.loads(page.scripts["given"])["learn"]["lesson"]
    assert len(given["texts"]["steps"]) == 7
    assert (len(given["toy"]["remain_x"]), len(given["toy"]["forget_x"])) == (80, 16)
    assert given["recorded"]["curve"]["forget"]
    assert "tab Unlearn" not in given["texts"]["closingText"] + given["texts"]["tryIt"]


def test_plotly_is_that_of_the_wheel(folder: Path) -> None:
    packed = re.search(r"atob\('([A-Za-z0-9+/=]+)'\)", (folder / "plotly.min.js").read_text(encoding="utf-8"))
    assert packed is not None
    assert gzip.decompress(base64.b64decode(packed[1])) == plotly_file().read_bytes()


def test_a_table_is_a_table_and_links_are_their_words(tmp_path: Path) -> None:
    document = tmp_path / "results"
    document.write_text(
        "# Results\n\n<!-- made -->\nSee [the cells](../bench), a < b.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    )
    assert " ".join(edition.results(document).split()) == (
        "<h2>Results</h2> <p>See the cells, a &lt; b.</p> "
        '<div class="scroll" tabindex="0"><table> <thead> <tr> <th>a</th> <th>b</th> </tr> </thead> '
        "<tbody> <tr> <td>1</td> <td>2</td> </tr> </tbody> </table> </div>"
    )  # fmt: skip
    with pytest.raises(AssetError, match=r"tables cannot be read \(No such file"):
        edition.results(tmp_path / "none")


def test_the_recorded_tables_are_in_it(page: Elements) -> None:
    document = edition.RESULTS.read_text(encoding="utf-8")
    tables = len(re.findall(r"^\| ?-", document, re.MULTILINE))
    assert sum(tag == "table" for tag, _ in Elements(edition.results()).found) == tables > 5
    assert sum(tag == "table" for tag, _ in page.found) == tables + 2  # beside the two curves


def test_json_cannot_end_its_script() -> None:
    text = edition.script_json({"a": "</script><!--"})
    assert text == '{"a":"\\u003c/script>\\u003c!--"}'
    assert json.loads(text) == {"a": "</script><!--"}


def test_what_is_there_is_replaced_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edition, "files", lambda: {"index.html": "new", "recordings.js": "data"})
    (tmp_path / "index.html").write_text("old")
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"not empty\. Choose another one, or add --overwrite\.$"):
        edition.write(tmp_path)
    assert (tmp_path / "index.html").read_text() == "old"
    edition.write(tmp_path, overwrite=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "index.html": "new", "recordings.js": "data", "mine.txt": "mine",
    }  # fmt: skip
    with pytest.raises(InputError, match=r"is a file\. Give a folder"):
        edition.write(tmp_path / "mine.txt", overwrite=True)
    with pytest.raises(RunError, match=r"could not be written \(Not a directory"):
        edition.write(tmp_path / "mine.txt" / "below")
    (tmp_path / "recordings.js").unlink()
    (tmp_path / "recordings.js").mkdir()
    with pytest.raises(RunError, match="could not be written"):
        edition.write(tmp_path, overwrite=True)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(("given", "said"), [("{}/x", "is a file"), ("{}/y\0", "could not be written"), ("", "")])
def test_the_command_says_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, given: str, said: str
) -> None:
    monkeypatch.setattr(edition, "files", lambda: {"index.html": "new"})
    (tmp_path / "x").write_text("")
    if said:
        assert edition.main([given.format(tmp_path)]) in (1, 2)
        told = capsys.readouterr()
        assert told.out == ""
        assert said in told.err
        assert told.err.startswith("error: ")
        assert told.err.count("\n") == 1
        return
    assert edition.main([str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out == f"{tmp_path}/out: 3 bytes in 1 files. Open {tmp_path}/out/index.html.\n"
