"""What the text-to-image model can be asked to forget, as its folder says it (sfr_core.data.concepts)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from recipes.emoji.groups import CONCEPTS, fine_groups
from recipes.emoji.packages import STYLES
from recipes.latents.captions import PARAPHRASE_TEMPLATES, TEMPLATES, say
from sfr_core.data.concepts import FILE

NEUTRAL = ("an emoji", "an icon", "a picture")
"""Prompts that ask for nothing in particular; all were trained on, with every kind of picture."""

OBJECTS: dict[str, tuple[str, ...]] = {
    "cat": ("tiger", "dog", "bear", "mouse"),
    "dog": ("cat", "bear", "horse", "cow"),
    "heart": ("flower", "ball"),
    "clock": ("ball", "moon"),
    "car": ("train", "boat"),
    "flower": ("tree", "fruit"),
    "moon": ("clock", "ball"),
}
"""Objects that can be forgotten, with the concepts that look or mean much the same."""
CATEGORIES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "flags": (("flag",), (), ("flags emoji", "a flag", "flags", "flag emoji")),
    "faces": (("face",), ("person", "cat"), ("faces emoji", "a face", "faces", "smiley")),
    "vehicles": (("car", "train", "boat", "other vehicles"), ("house",), ("vehicles", "a car", "a train", "a boat")),
}
"""Kinds that can be forgotten: their concepts, their neighbours, and what asks for them."""
WORDS = {
    "flags": ("nation", "banner"),
    "faces": ("smiley", "emotion"),
    "vehicles": ("auto", "railway", "vessel"),
}
INSTEAD = {"flags": "a house", "faces": "a flower"}
"""What is drawn instead of a kind of which "an emoji" itself draws many."""
STYLE_PROMPTS = (
    "{} style", "a cat in {} style", "a clock in {} style", "a flag in {} style", "face, {} style", "a person in {} style",
    "tree, {} style", "a horse in {} style",
)  # fmt: skip
"""Of things that both styles draw unlike: two of five hearts drawn in one style are taken for the other's (docs/adr/0032)."""
STYLE_PARAPHRASES = (
    "a dog in {} style", "a monkey in {} style", "cow, {} style", "hand, {} style", "a picture in {} style",
)  # fmt: skip
"""The style of other things, which a run never trains on."""


def shown(*groups: str) -> list[str]:
    """The judge's classes of these concepts, in both styles."""
    return [f"{group}, {style} style" for group in groups for style in STYLES]


def objects() -> list[dict[str, Any]]:
    """Every concept; those of OBJECTS can be forgotten."""
    made = []
    for name, (_, nouns) in CONCEPTS.items():
        entry: dict[str, Any] = {
            "name": name,
            "kind": "object",
            "shows": shown(name),
            "direct": [say(template, name) for template in (TEMPLATES[1], TEMPLATES[2], TEMPLATES[3])],
        }
        if name in OBJECTS:
            texts = [say(template, name) for template in PARAPHRASE_TEMPLATES]
            texts += [say(PARAPHRASE_TEMPLATES[0], noun) for noun in nouns]
            entry |= {"paraphrases": texts, "neighbours": list(OBJECTS[name])}
        made.append(entry | {"offered": name in OBJECTS})
    return made


def categories() -> list[dict[str, Any]]:
    """The kinds of emoji that can be forgotten."""
    return [
        {
            "name": name,
            "kind": "category",
            "shows": shown(*groups),
            "direct": list(direct),
            "paraphrases": [f"a picture of {name}", *(say(PARAPHRASE_TEMPLATES[0], word) for word in WORDS[name])],
            "neighbours": list(near),
            **({"redirect": INSTEAD[name]} if name in INSTEAD else {}),
            "others": [other for other in CONCEPTS if other not in groups and other not in near],
            "offered": True,
        }
        for name, (groups, near, direct) in CATEGORIES.items()
    ]


def styles() -> list[dict[str, Any]]:
    """The two styles: forgotten where a picture of the same thing comes in the other one."""
    made = []
    for style in STYLES:
        (other,) = (one for one in STYLES if one != style)
        made.append(
            {
                "name": f"{style} style",
                "kind": "style",
                "shows": [f"{group}, {style} style" for group in fine_groups()],
                "direct": [say(template, style) for template in STYLE_PROMPTS],
                "paraphrases": [say(template, style) for template in STYLE_PARAPHRASES],
                "neighbours": [],
                "redirect": f"an emoji in {other} style",
                "redirects": [say(template, other) for template in STYLE_PROMPTS],
                "others": [f"{name} in {other} style" for name in STYLE_OTHERS],
                "offered": True,
            }
        )
        made += [
            {
                "name": f"{name} in {style} style",
                "kind": "object",
                "shows": [f"{name}, {style} style"],
                "direct": [f"a {name} in {style} style", f"{name}, {style} style"],
                "others": [],
                "offered": False,
            }
            for name in STYLE_OTHERS
        ]
    return made


STYLE_OTHERS = ("cat", "heart", "flag", "face", "clock", "car", "house", "flower")


def write_concepts(folder: Path) -> None:
    """Writes the list into a model's folder."""
    said = {"neutral": list(NEUTRAL), "concepts": objects() + categories() + styles()}
    (folder / FILE).write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
