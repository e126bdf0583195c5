"""Title, honesty line and badges."""

from __future__ import annotations

from html.parser import HTMLParser

from demos.jobs.estimate import Estimate
from demos.jobs.hardware import Hardware
from demos.text import unlearn as copy
from demos.unlearn import header


class Reader(HTMLParser):
    """Texts and attributes of the elements with an id, and whether every tag is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.texts: dict[str, str] = {}
        self.titles: dict[str, str] = {}
        self.feed(str(text))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.open.append((tag, values.get("id") or ""))
        if values.get("id"):
            self.titles[str(values["id"])] = values.get("title") or ""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        for _, name in self.open:
            if name:
                self.texts[name] = self.texts.get(name, "") + data


MACHINE = Hardware("cpu", "CPU, 2 cores")


def test_the_head_says_what_approximate_means() -> None:
    text = header.head_html()
    Reader(text)
    assert f"<h1>{copy.TITLE}</h1>" in text
    assert "not a guarantee of deletion" in text
    assert "<details" in text  # the why opens without a script


def test_badges_with_an_expected_time() -> None:
    seen = Reader(header.badges_html(MACHINE, Estimate(seconds=63.0, source="card"), "another desk"))
    assert seen.texts["badge-hardware"] == "Hardware: CPU, 2 cores"
    assert "1 min" in seen.texts["badge-time"]
    assert "another desk" in seen.titles["badge-time"]
    text = header.badges_html(MACHINE, Estimate(seconds=63.0, source="measured"))
    assert copy.EXPECT_FROM["measured"] in text
    assert Reader(text).titles["badge-time"] == ""


def test_badges_before_anything_is_known() -> None:
    text = header.badges_html(MACHINE, None)
    assert copy.EXPECT_UNKNOWN in Reader(text).texts["badge-time"]
    assert copy.EXPECT_UNKNOWN_WHY in text


def test_names_of_machines_are_text_and_not_markup() -> None:
    seen = Reader(
        header.badges_html(Hardware("cuda", "<b>GPU</b> & co"), Estimate(seconds=1.0, source="card"), '"><i>')
    )
    assert seen.texts["badge-hardware"] == "Hardware: <b>GPU</b> & co"
    assert '"><i>' in seen.titles["badge-time"]
