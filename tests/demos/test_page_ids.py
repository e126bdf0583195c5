"""What scripts, styles and tests find by its name is one thing."""

from __future__ import annotations

from collections import Counter

from demos.app_builder import build_app


def test_no_two_parts_of_the_page_have_one_name() -> None:
    blocks = build_app().demo.blocks.values()
    names = Counter(block.elem_id for block in blocks if block.elem_id)
    assert [name for name, times in names.items() if times > 1] == []
