"""What counts as forgotten, damaged and near retrained: one set of numbers for the summary, its rules, the tables and README.

Percent and percentage points unless said otherwise. Standard library only.
"""

from __future__ import annotations

SAME = 1.0
"""Classifiers: points within which two accuracies or membership rates count as the same, and the largest loss of the rest."""
CLASS_LEFT = 2.0
"""Generators of classes: most that is left of a forgotten class, above the retrained model (above 0 % without one)."""
CLASSES_LOST = 3.0
"""Generators of classes: most that the other classes lose."""
CONCEPT_LEFT, WORDS_LEFT = 5.0, 15.0
"""Most samples that still show a forgotten concept: by its own prompts, and asked for in other words."""
NEIGHBOURS_LOST, DISTANT_LOST = 5.0, 5.0
"""Most that a concept's neighbours, and the distant concepts, lose."""
DISTANCE_RATIO = 1.15
"""Most that the Fréchet distance of what remains may be, as a multiple of the one before."""
MEMBERSHIP_GAP = 5.0
"""Points between two rates of a membership attack from which it tells a model from the retrained one."""
MOST = 50.0
"""Share of the samples that makes "most"."""
GUESS_TELLS = 10
"""Pictures from which on a network that knows something can be told from one that guesses."""
KNOWN_MARGIN = 10.0
"""Points above a guess from which a classifier is said to know its training pictures."""
LITTLE = 50.0
"""Share of its training pictures below which a classifier that knows some of them is asked to be checked."""
FEW = 1000
"""Pictures below which a share is shown with its interval; from there on it is at most 3.1 points wide on either side."""
