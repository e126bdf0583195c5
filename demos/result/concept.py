"""What only a run that forgets a concept has in Compare: is it still drawn, by its own prompts and in other words? As HTML."""

from __future__ import annotations

from demos.pictures.sheet_text import name_of
from demos.records.record import RunRecord
from demos.render import render
from demos.text import result as words
from sfr_core.data.concepts import Role
from sfr_core.results import GeneratorRecord

SHOWN_BEFORE = 0.8
"""As in metrics/concepts.py, which needs torch; a test compares the two."""
Shares = dict[Role, tuple[float | None, int]]


def shares(record: GeneratorRecord) -> Shares:
    """Percent of the samples that show what was asked for, and how many samples, by the role of their prompts."""
    return {
        "direct": (record.FA, record.n_samples),
        "paraphrase": (record.FA_paraphrase, record.n_paraphrase),
        "neighbour": (record.JA_neighbours, record.n_neighbours),
        "other": (record.JA_others, record.n_remain - record.n_neighbours),
    }


def shares_html(record: RunRecord) -> str:
    """The table of shares before and after; empty for a run that forgets no concept or measured nothing."""
    result = record.result
    if not record.of_concept or result is None:
        return ""
    if not isinstance(result.before, GeneratorRecord) or not isinstance(result.after, GeneratorRecord):
        return ""
    before, after = shares(result.before), shares(result.after)
    rows = []
    for role, title in words.SHARES_ROWS.items():
        (old, _), (new, n) = before[role], after[role]
        if old is not None and new is not None:
            rows.append((title, f"{old:.1f}", f"{new:.1f}", f"{new - old:+.1f}", f"{n:,}"))
    return render(
        "shares.html", T=words, rows=rows, unmeasured=after["paraphrase"][0] is None, prompts=_prompts(record),
        prompts_caption=words.SHARES_PROMPTS_CAPTION.format(least=100 * SHOWN_BEFORE),
    )  # fmt: skip


def _prompts(record: RunRecord) -> list[tuple[str, str, str]]:
    """What the model before showed for each prompt, as long as it is known."""
    rows = []
    for label, share in sorted(record.shown_before.items()):
        role = record.roles[label] if label < len(record.roles) else "other"
        said = words.ROLES[role] or words.SHARES_ROWS[role].lower()
        if role == "paraphrase":
            said = f"{said}; {words.SHARES_COUNTED[share >= SHOWN_BEFORE]}"
        rows.append((name_of(label, record.class_names), said, f"{100 * share:.0f}"))
    return rows
