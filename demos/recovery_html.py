"""What a recovery attack drew, as HTML. Everything foreign is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from demos import compare_copy as words
from demos.generator_html import line_html
from demos.sheet_words import words_of
from demos.sheets import strip
from sfr_core.data.concepts import Role

if TYPE_CHECKING:
    from sfr_core.metrics.recovery import Recovery

COLUMNS = 8


def drawn_html(found: Mapping[str, Recovery], what: str, names: Sequence[str], roles: Sequence[Role]) -> str:
    """The first samples of the learned words, model by model, each with the judge's sign.

    Args:
        found: by model. what: the concept. names, roles: of the run's prompts.
    """
    figures = "".join(_figure(who, one, what, names, roles) for who, one in found.items())
    return f'<div class="gen-attack">{figures}</div>'


def _figure(who: str, one: Recovery, what: str, names: Sequence[str], roles: Sequence[Role]) -> str:
    label = int(one.drawn.labels[0])
    shown = strip(one.drawn, label, COLUMNS)
    assert shown is not None  # an attack draws at least one sample
    right = sum(a == label for a in shown.accepted)
    alt = words.RECOVER_ALT.format(model=who, right=right, all=one.n, what=what)
    lines = "".join(
        line_html(uri, accepted, label, names, "" if at else alt, words_of(roles))
        for at, (uri, accepted) in enumerate(shown.lines)
    )
    count = words.RECOVER_COUNT.format(right=right, all=one.n)
    return (
        f'<figure class="gen-strip" style="--columns:{COLUMNS}"><figcaption><b>{escape(words.MODELS[who])}</b> '
        f"<span>{escape(count)}</span></figcaption>{lines}</figure>"
    )
