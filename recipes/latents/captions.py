"""The words for the emoji: what the text-to-image model is trained on and asked with."""

from __future__ import annotations

import re
from functools import cache

from transformers import CLIPTokenizer

from recipes.emoji.groups import CONCEPTS
from recipes.emoji.packages import Emoji

TOKENS = 16
"""Length of every prompt, with begin, end and padding."""
VOCABULARY = 3000
TEMPLATES = ("{}", "a {}", "{} emoji", "an emoji of a {}", "a drawing of a {}")
STYLED = ("{}, {} style", "a {} in {} style", "{} {}")
PARAPHRASE_TEMPLATES = ("a picture of a {}", "an icon showing a {}", "{} picture")
"""Never trained on, but of words that are."""
FRAMES = ("a picture", "an icon", "an icon showing something", "a picture of something")
"""Captions of any emoji, so that the words of PARAPHRASE_TEMPLATES are known."""


def say(template: str, *words: str) -> str:
    """A caption, with "an" where "a" comes before a vowel that is spoken as one."""
    return re.sub(r"\ba (?=[aeiou](?!ne |ni|uro))", "an ", template.format(*words))


def nouns_of(emoji: Emoji, category: str | None, concept: str | None) -> tuple[list[str], list[str]]:
    """Its own names; and what it shares with others: its concept and nouns for that, and its category."""
    own = [emoji.name]
    for ending in (" face", " symbol", " sign"):
        if emoji.name.endswith(ending):
            own.append(emoji.name.removesuffix(ending))
    shared: list[str] = []
    if concept is not None:
        shared = [concept, concept, *CONCEPTS[concept][1]]
    if category is not None:
        shared.append(category)
    return own, shared


def captions_of(emoji: Emoji, category: str | None, concept: str | None, style: str) -> tuple[str, ...]:
    """Every caption of one picture, the commoner ones more than once: a training draws among them with equal chances."""
    own, shared = nouns_of(emoji, category, concept)
    made: list[str] = []
    for noun in own + shared:
        made += [say(template, noun) for template in TEMPLATES]
        made += [say(template, noun, style) for template in STYLED[:2]]
        made.append(say(STYLED[2], style, noun))
    made += [f"{word} emoji" for word in emoji.keywords[:6]]
    made += [*FRAMES, "an emoji", f"an emoji in {style} style", f"{style} style", f"{style} emoji"]
    return tuple(made)


@cache
def tokenizer_of(captions: frozenset[str], vocabulary: int = VOCABULARY) -> CLIPTokenizer:
    """CLIP's tokenizer with a vocabulary of our own, learned from the captions: nearly every word is one token."""
    learned: CLIPTokenizer = CLIPTokenizer().train_new_from_iterator(
        [sorted(captions)], vocab_size=vocabulary, show_progress=False
    )
    learned.model_max_length = TOKENS
    return learned
