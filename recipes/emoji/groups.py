"""What the emoji are sorted into: categories for the class-conditional model, concepts with words for the text-to-image model.

Chosen by looking at the pictures: a category holds what looks alike in both styles, and nothing that a person would put into
another one (paw prints are no mammal, a tomato is no dish).
"""

from __future__ import annotations

from dataclasses import dataclass

from recipes.emoji.packages import Emoji


def listed(text: str) -> tuple[str, ...]:
    """Names that are separated by commas."""
    return tuple(text.split(", "))


FACES = listed(
    "face-smiling, face-affection, face-tongue, face-hand, face-neutral-skeptical, face-sleepy, face-unwell, "
    "face-hat, face-glasses, face-concerned, face-negative"
)


@dataclass(frozen=True, slots=True)
class Group:
    """A set of emoji by subcategory and name.

    Attributes:
        subcategories: all emoji of these, but
        without: those with one of these names.
        names: and these besides.
        begins: of the names in `subcategories`; empty takes all.
        but: groups whose emoji are left out.
    """

    subcategories: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    begins: str = ""
    but: tuple[Group, ...] = ()

    def __contains__(self, emoji: Emoji) -> bool:
        if any(emoji in group for group in self.but):
            return False
        if emoji.name in self.names:
            return True
        of_kind = emoji.subcategory in self.subcategories and emoji.name.startswith(self.begins)
        return of_kind and emoji.name not in self.without


CATEGORIES: dict[str, Group] = {
    "flags": Group(("country-flag", "subdivision-flag"), names=("rainbow flag", "transgender flag")),
    "faces": Group(FACES, without=("skull", "skull and crossbones")),
    "people": Group(("person", "person-role"), without=("breast-feeding",)),
    "hands": Group(
        listed("hand-fingers-closed, hand-fingers-open, hand-fingers-partial, hand-single-finger, hands, hand-prop"),
        without=("selfie", "nail polish", "person raising both hands in celebration"),
    ),
    "hearts": Group(("heart",), without=("love letter",)),
    "clocks": Group(
        ("time",), begins="clock face", names=("mantelpiece clock", "alarm clock", "stopwatch", "timer clock")
    ),
    "mammals": Group(("animal-mammal", "cat-face", "monkey-face"), without=("pig nose", "paw prints")),
    "birds": Group(("animal-bird",), without=("feather", "wing")),
    "plants": Group(("plant-flower", "plant-other"), without=("rosette", "empty nest", "nest with eggs", "mushroom")),
    "fruit and vegetables": Group(("food-fruit", "food-vegetable")),
    "dishes and drinks": Group(
        ("food-prepared", "food-asian", "food-sweet", "drink"), without=("ice cube", "canned food")
    ),
    "vehicles": Group(
        ("transport-ground", "transport-water", "transport-air"),
        without=listed(
            "station, bus stop, horizontal traffic light, vertical traffic light, construction sign, "
            "police cars revolving light, octagonal sign, wheel, oil drum, motorway, railway track, "
            "roller skate, fuel pump, ring buoy, anchor, seat, parachute"
        ),
    ),
    "buildings": Group(
        ("place-building", "place-religious"), without=("brick", "rock", "wood", "wedding", "statue of liberty")
    ),
    "buttons": Group(("alphanum", "arrow", "keycap", "zodiac", "av-symbol")),
}

CONCEPTS: dict[str, tuple[Group, tuple[str, ...]]] = {
    "cat": (Group(("cat-face",), names=("cat", "black cat", "cat face")), ("kitten", "kitty", "feline")),
    "dog": (Group(names=("dog", "dog face", "poodle", "guide dog", "service dog")), ("puppy", "hound", "canine")),
    "tiger": (Group(names=("tiger", "tiger face", "leopard", "lion face")), ("big cat", "wild cat")),
    "bear": (Group(names=("bear face", "panda face", "polar bear", "koala")), ("panda", "teddy")),
    "monkey": (Group(("monkey-face",), names=("monkey", "monkey face", "gorilla", "orangutan")), ("ape", "chimpanzee")),
    "horse": (Group(names=("horse", "horse face", "unicorn face", "zebra face", "donkey")), ("pony", "stallion")),
    "cow": (Group(names=("cow", "cow face", "ox", "water buffalo", "bison")), ("bull", "cattle")),
    "mouse": (Group(names=("rat", "mouse", "mouse face", "hamster face", "rabbit face")), ("rodent",)),
    "heart": (CATEGORIES["hearts"], ("love", "romance")),
    "clock": (CATEGORIES["clocks"], ("time", "watch")),
    "flag": (CATEGORIES["flags"], ("banner", "nation")),
    "face": (CATEGORIES["faces"], ("smiley", "emotion")),
    "hand": (CATEGORIES["hands"], ("gesture", "fingers")),
    "car": (
        Group(
            names=listed(
                "automobile, oncoming automobile, taxi, oncoming taxi, police car, oncoming police car, "
                "racing car, recreational vehicle, pickup truck, ambulance"
            )
        ),
        ("auto", "motorcar"),
    ),
    "train": (
        Group(
            names=listed(
                "steam locomotive, railway car, high-speed train, high-speed train with bullet nose, train, "
                "metro, light rail, tram, tram car, monorail, mountain railway"
            )
        ),
        ("railway", "rail"),
    ),
    "boat": (
        Group(names=("ship", "speedboat", "motor boat", "passenger ship", "canoe", "ferry", "sailboat")),
        ("ship", "vessel"),
    ),
    "bird": (CATEGORIES["birds"], ("feathered", "fowl")),
    "flower": (Group(("plant-flower",), without=("rosette",)), ("blossom", "bloom")),
    "tree": (
        Group(names=("evergreen tree", "deciduous tree", "palm tree", "christmas tree", "leafless tree")),
        ("wood", "forest"),
    ),
    "fruit": (Group(("food-fruit",)), ("fruity", "vitamin")),
    "vegetable": (Group(("food-vegetable",)), ("veggie", "greens")),
    "dish": (Group(("food-prepared", "food-asian")), ("meal", "food")),
    "cake": (Group(("food-sweet",)), ("dessert", "sweet")),
    "drink": (Group(("drink",), without=("ice cube",)), ("beverage", "glass")),
    "house": (CATEGORIES["buildings"], ("building", "architecture")),
    "person": (Group(("person",)), ("human", "somebody")),
    "moon": (
        Group(
            names=listed(
                "new moon symbol, waxing crescent moon symbol, first quarter moon symbol, "
                "waxing gibbous moon symbol, full moon symbol, waning gibbous moon symbol, "
                "last quarter moon symbol, waning crescent moon symbol, crescent moon, new moon with face, "
                "full moon with face, first quarter moon with face, last quarter moon with face"
            )
        ),
        ("lunar", "moonlight"),
    ),
    "ball": (
        Group(
            names=listed(
                "american football, rugby football, volleyball, softball, soccer ball, baseball, basketball and hoop"
            )
        ),
        ("sport", "game"),
    ),
}
"""By noun: which emoji, and further nouns for it."""

WHOLE = ("fruit and vegetables", "dishes and drinks")
"""Categories of which the concepts leave nothing."""


def sort(emoji: tuple[Emoji, ...], groups: dict[str, Group]) -> list[int]:
    """The number of each emoji's group, -1 where it is in none; ValueError where it is in two."""
    found = [-1] * len(emoji)
    for number, (name, group) in enumerate(groups.items()):
        for row, one in enumerate(emoji):
            if one not in group:
                continue
            if found[row] >= 0:
                raise ValueError(f"'{one.name}' is in {list(groups)[found[row]]} and in {name}.")
            found[row] = number
    return found


def fine_groups() -> dict[str, Group]:
    """The concepts, and what they leave of each category as "other NAME": together all emoji of the categories, and a few more."""
    concepts = {name: group for name, (group, _) in CONCEPTS.items()}
    named = tuple(concepts.values())
    left = {
        f"other {name}": Group(
            group.subcategories, without=group.without, names=group.names, begins=group.begins, but=named
        )
        for name, group in CATEGORIES.items()
        if group not in named and name not in WHOLE
    }
    return concepts | left
