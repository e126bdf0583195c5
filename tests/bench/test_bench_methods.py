"""The classifier's table as Markdown says what the page's table says."""

from __future__ import annotations

from bench.methods import as_markdown
from demos.compare.table import table
from tests.demos.compare_rows import on


def test_methods_stand_in_order_with_spread_and_gap_and_the_best_in_bold() -> None:
    rows = [
        on(method, forget, gap)
        for method, gaps in (("salun", (4.0, 6.0)), ("sfr-on", (1.0, 2.0)))
        for forget, gap in zip(("class:A", "class:B"), gaps, strict=True)
    ]
    rows.append(on("scrub", "class:A", 2.5))
    text = as_markdown(table("Shoes", rows, "sfr-on"))
    title, said, *_ = text.split("\n\n")
    assert title == "Shoes."
    assert said.startswith(
        "**SFR-on is nearest to retraining: its mean gap is 1.50 ± 0.71 points (2 runs).** Next is SalUn"
    )
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert lines[0].startswith("| method | runs | Forget accuracy (FA) % |")
    assert [line.split(" | ")[0] for line in lines[2:]] == [
        "| Original model",
        "| Retrained model",
        "| SFR-on",
        "| SalUn",
        "| SCRUB",
    ]
    assert "| **1.50 ± 0.71** |" in lines[4]
    assert "| 34.0 ± 0.0 (-6.0) |" in lines[4]
    assert "| 1 |" in lines[6]
