"""The static edition: a folder of plain files with the lesson, the recorded runs and the recorded tables, for any web server or from disk.

    python -m demos.edition OUT

Browsers let a page from disk neither fetch files nor import modules by their addresses. So the modules of demos/static lie in the
page itself, under an import map of data: addresses, and what is large comes as classic scripts, when it is needed (docs/adr/0065).
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from demos import page_data
from demos.learn import page as learn
from demos.render import render
from demos.static_files import plotly_file, read
from demos.text import edition as texts
from demos.text import unlearn as copy
from demos.text.learn import LEARN
from demos.text.live import LIVE
from demos.unlearn import recorded
from sfr_core.errors import AssetError, InputError, PlaygroundError, RunError, quoted, reason

RESULTS = Path(__file__).resolve().parents[1] / "docs/results.md"
STYLES = ("tokens.css", "plain.css", "page.css", "result.css", "generator.css", "learn.css", "edition.css")
FIRST = "edition.js"
IMPORT = re.compile(r"(?<=from ')\./(?=\w+\.js')")
"""In data: addresses nothing is relative: modules are imported by their names in the import map."""
UNPACK = """window.%s = (async () => {
  const packed = Uint8Array.from(atob('%s'), (letter) => letter.charCodeAt(0));
  const text = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
  %s
})();
"""
"""What is large comes packed: whoever waits for window.NAME gets what the last line makes of the text."""
RUN = "const script = document.createElement('script'); script.textContent = text; document.head.append(script); return window.Plotly;"
READ = "return JSON.parse(text);"


def files() -> dict[str, str]:
    """The edition's files by name.

    Raises:
        AssetError: the recordings or the tables cannot be read.
    """
    recordings = recorded.read(recorded.OPENING, forms=False)
    if not recordings.every:
        raise AssetError(texts.NO_RECORDINGS, hint=texts.NO_RECORDINGS_HINT)
    offered = recordings.offered()
    held = {one["fetch"]: page_data.kept(one["fetch"]) for one in offered}
    given: dict[str, dict[str, Any]] = {
        "learn": {"lesson": {**learn.given(recordings), "texts": {**LEARN, **texts.LEARN}}},
        "edition": {"noRecordings": texts.NOT_LOADED},
        "live": {"texts": LIVE, "value": recordings.value(recordings.opening), "recordings": offered},
    }
    page = render(
        "edition.html",
        T=texts.PAGE,
        tabs=texts.TABS,
        css=Markup("\n".join(map(read, STYLES))),
        modules=script_json({"imports": modules()}),
        header=render("header.html", T={**vars(copy), "SENTENCE": texts.SENTENCE}),
        learn=render("learn.html", T=given["learn"]["lesson"]["texts"]),
        live=render("live.html", T=LIVE),
        sources=[
            (card.title, card.licence, card.data_licence) for card in (run.card for run in recordings.models.values())
        ],
        results=results(),
        given=script_json(given),
    )
    return {
        "index.html": page,
        "recordings.js": UNPACK % ("playgroundData", packed(json.dumps(held, separators=(",", ":")).encode()), READ),
        "plotly.min.js": UNPACK % ("Plotly", packed(plotly_file().read_bytes()), RUN),
    }


def packed(content: bytes) -> str:
    """Content as text that a browser unpacks."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def script_json(value: Any) -> Markup:
    """JSON that may stand in a script element: nothing in it can end that element."""
    return Markup(json.dumps(value, separators=(",", ":")).replace("<", "\\u003c"))


def modules(first: str = FIRST) -> dict[str, str]:
    """An import map's addresses of a module of demos/static and of all that it imports."""
    found: dict[str, str] = {}
    wanted = [first]
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        text = IMPORT.sub("", read(name))
        found[name] = "data:text/javascript;base64," + base64.b64encode(text.encode()).decode()
        wanted += re.findall(r"from '(\w+\.js)'", text)
    return found


def results(path: Path = RESULTS) -> Markup:
    """The recorded tables as HTML. Links of the document lead to files that are not there: their words stay.

    Raises:
        AssetError: the document cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise AssetError(texts.NO_RESULTS.format(reason=reason(error)), hint=texts.NO_RESULTS_HINT) from None
    markdown = MarkdownIt("commonmark").enable("table")
    tokens = [part for token in markdown.parse(text) if token.type != "html_block" for part in boxed(token)]
    for token in tokens:
        if token.type.startswith("heading"):  # the page's own title is the first
            token.tag = f"h{int(token.tag[1:]) + 1}"
        token.children = [
            part for part in token.children or [] if part.type not in ("link_open", "link_close", "image")
        ]
    return Markup(markdown.renderer.render(tokens, markdown.options, {}))


def boxed(token: Token) -> list[Token]:
    """A token of a document; a table's ends with those of a box that scrolls sideways, by the keyboard too."""
    if token.type == "table_open":
        return [Token("box_open", "div", 1, attrs={"class": "scroll", "tabindex": "0"}), token]
    return [token, Token("box_close", "div", -1)] if token.type == "table_close" else [token]


def write(folder: Path, *, overwrite: bool = False) -> list[Path]:
    """Writes the edition; returns its files.

    Args:
        overwrite: replaces its files in a folder that is not empty; nothing else in it is touched.

    Raises:
        InputError: the folder cannot be used. AssetError: see `files`. RunError: the disk refused.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(texts.NO_FOLDER.format(folder=quoted(str(folder))), hint=texts.NO_FOLDER_HINT)
        if folder.is_dir() and any(folder.iterdir()) and not overwrite:
            raise InputError(texts.NOT_EMPTY.format(folder=quoted(str(folder))), hint=texts.NOT_EMPTY_HINT)
        made = files()
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():  # the page, which is first, is put in place when all that it needs is there
            (folder / f"{name}.part").write_text(text, encoding="utf-8")
        for name in reversed(made):
            (folder / f"{name}.part").replace(folder / name)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        for left in folder.glob("*.part") if isinstance(error, OSError) else ():
            left.unlink(missing_ok=True)
        raise RunError(texts.NOT_WRITTEN.format(reason=reason(error)), hint=texts.NOT_WRITTEN_HINT) from None
    return [folder / name for name in made]


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m demos.edition", description=__doc__.partition("\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT", help="folder for the edition")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace an older edition in a folder that is not empty"
    )
    args = parser.parse_args(argv)
    try:
        written = write(args.out, overwrite=args.overwrite)
    except PlaygroundError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    size = copy.size(sum(path.stat().st_size for path in written))
    print(texts.WRITTEN.format(folder=args.out, size=size, n=len(written), page=written[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
