"""Title, honesty line, the machine and the expected time."""

from __future__ import annotations

from html.parser import HTMLParser

from demos.jobs.hardware import Hardware
from demos.text import unlearn as copy
from demos.unlearn import header, reference


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


def test_the_badge_names_the_machine() -> None:
    assert Reader(header.badges_html(MACHINE)).texts["badge-hardware"] == "Hardware: CPU, 2 cores"
    seen = Reader(header.badges_html(Hardware("cuda", "<b>GPU</b> & co")))
    assert seen.texts["badge-hardware"] == "Hardware: <b>GPU</b> & co"


def test_the_expected_time_or_that_it_is_not_known_yet() -> None:
    seen = Reader(reference.expected_html(63.0))
    assert seen.texts["badge-time"] == "Time: about 1 min to the finished comparison"
    assert seen.titles["badge-time"] == copy.EXPECT_WHY_LONG
    seen = Reader(reference.expected_html(None))
    assert seen.texts["badge-time"] == "Time: time not known yet measured when the run begins"
    assert seen.titles["badge-time"] == ""
