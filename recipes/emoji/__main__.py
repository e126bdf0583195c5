"""Fetches the packages of emoji, 136 MB, once, into .work/emoji, and says what is there: python -m recipes.emoji."""

from __future__ import annotations

from collections.abc import Sequence

from recipes.command import one_sentence, parser_of
from recipes.emoji.packages import load


def main(argv: Sequence[str] | None = None) -> None:
    parser_of(__doc__).parse_args(argv)
    with one_sentence():
        found = load()
    print(len(found.emoji), {style: pictures.shape for style, pictures in found.pictures.items()})


if __name__ == "__main__":
    main()
