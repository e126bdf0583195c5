"""What the browser fetches: scripts from this server, kept for ever; and one set of colours for style sheets, scripts and figures."""

from __future__ import annotations

import re

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from demos import static_files, theme
from demos.colours import token
from demos.plots import confusion, style
from demos.static_files import ADDRESS, STATIC, early_head, mounting, read, route

DEMOS = STATIC.parent
MODULES = sorted(
    path.stem
    for path in STATIC.glob("*.js")
    if "export function mount" in read(path.name) or "export const mount" in read(path.name)
)


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=[route()]))


def test_scripts_and_plotly_are_served_to_be_kept(client: TestClient) -> None:
    for name in ("live.js", "plotly.min.js"):
        answer = client.get(f"/{ADDRESS}/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/javascript")
        assert "immutable" in answer.headers["cache-control"]
    assert client.get(f"/{ADDRESS}/live.js").text == read("live.js")


@pytest.mark.parametrize("name", ["no.js", "page.css", "..%2Ftheme.py", "live.html"])
def test_nothing_else_is_served(client: TestClient, name: str) -> None:
    assert client.get(f"/{ADDRESS}/{name}").status_code == 404


def test_every_import_names_an_export_and_every_first_module_is_there() -> None:
    for path in STATIC.glob("*.js"):
        for names, source in re.findall(r"import \{ (.+?) \} from '\./(\w+\.js)'", read(path.name)):
            for name in names.split(", "):
                assert re.search(rf"export (async )?(function|const|class) {name}\b", read(source)), (path.name, name)
    assert {f"{name}.js" for name in static_files.FIRST} <= {path.name for path in STATIC.glob("*.js")}
    assert early_head().count("modulepreload") == len(static_files.FIRST)


def test_every_component_of_ours_mounts_a_module() -> None:
    assert "<script data-sentence=" in early_head()
    named = {name for path in DEMOS.rglob("*.py") for name in re.findall(r'mounting\("(\w+)"\)', path.read_text())}
    assert named == set(MODULES)
    assert f"{ADDRESS}/pair.js" in mounting("pair")


def test_colours_stand_in_one_file() -> None:
    found = {
        f"{path.relative_to(DEMOS)}: {colour}"
        for path in DEMOS.rglob("*")
        if path.suffix in {".py", ".js", ".css", ".html"} and path.name != "tokens.css"
        for colour in re.findall(r"#[0-9a-fA-F]{6}\b", path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_python_reads_the_light_colours_and_follows_their_names() -> None:
    light = re.search(r":root \{(.*?)\}", read("tokens.css"), re.DOTALL)
    assert light is not None
    assert f"--pg-forget: {token('forget')};" in light.group(1)
    assert token("after") == token("tone-damaged") == token("forget")
    with pytest.raises(KeyError):
        token("no-such")


def test_a_set_has_one_colour_live_in_results_and_in_exports() -> None:
    assert (token("forget"), token("remain")) == (style.FORGET, style.REMAIN)
    assert [confusion.CHANGE_SCALE[k][1] for k in (0, 2)] == [style.REMAIN, style.FORGET]
    assert "colour(part)" in read("curves.js")  # forget, remain
    sheet = theme.css()
    used = set(re.findall(r"var\(--pg-([\w-]+)\)", sheet))
    assert used <= set(re.findall(r"--pg-([\w-]+):", read("tokens.css")))
