"""Words that generated questions are made of. Reads and writes nothing; ours."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """A list of words as one reads it."""
    return tuple(text.split())


SHE = words(
    "Ada Alma Amina Anya Beth Bianca Carmen Chloe Clara Dalia Dina Elena Elif Emma Esther Farah Fiona Freya "
    "Gita Grace Hana Helen Ida Ines Irene Jana Jun Kira Laila Lena Lucia Maya Mei Mira Nadia Nina Nora Olga "
    "Paula Priya Rosa Ruth Sana Sara Selma Tara Tess Uma Vera Wanda Yara Zoe"
)
HE = words(
    "Adam Ahmed Alan Boris Bruno Carl Cem Dan David Diego Emil Eric Felix Finn Frank George Hans Hugo Ivan "
    "Jack Jamal Jonas Karim Ken Kofi Lars Leo Liam Luis Marco Milan Musa Nils Noah Omar Oscar Otto Pablo "
    "Paul Pedro Ravi Rohan Sam Sven Tariq Theo Tom Umar Victor Walter Wei Yusuf Zane"
)
NAMES = tuple(sorted([*SHE, *HE]))

THINGS = words(
    "marbles stickers books pencils coins shells buttons stamps beads ribbons postcards crayons balloons "
    "candles notebooks keys photos badges magnets puzzles dolls comics flags tickets caps socks spoons "
    "bricks feathers pebbles seeds posters erasers brushes whistles bracelets"
)
FOODS = words(
    "apples oranges plums cookies muffins peaches pears cherries bananas carrots tomatoes potatoes figs "
    "lemons candies cupcakes pancakes grapes walnuts dates sandwiches bagels mangoes strawberries"
)
HOLDERS = words("box bag basket drawer jar case tray crate bucket sack tin chest")
PLACES = (
    "on the table",
    "in the kitchen",
    "in the garage",
    "at home",
    "in the hall",
    "on the shelf",
    "in the shed",
    "at school",
    "in the attic",
    "on the porch",
)


def plural(noun: str) -> str:
    """The plural of a holder."""
    if noun.endswith(("s", "x", "sh", "ch")):
        return f"{noun}es"
    return f"{noun}s"


def singular(noun: str) -> str:
    """The singular of a thing or food above."""
    if noun.endswith("ies") and noun != "cookies":
        return noun.removesuffix("ies") + "y"
    if noun in {"brushes", "sandwiches", "peaches", "potatoes", "tomatoes", "mangoes"}:
        return noun.removesuffix("es")
    return noun.removesuffix("s")
