"""The rules by which the sentences on a run are made, as people read them: of classifiers, of generators of classes, of concepts."""

from __future__ import annotations

from sfr_core.metrics.thresholds import (
    CLASS_LEFT,
    CLASSES_LOST,
    CONCEPT_LEFT,
    DISTANCE_RATIO,
    DISTANT_LOST,
    FEW,
    GUESS_TELLS,
    KNOWN_MARGIN,
    MEMBERSHIP_GAP,
    MOST,
    NEIGHBOURS_LOST,
    SAME,
    WORDS_LEFT,
)


def _points(value: float) -> str:
    return f"{value:g} point{'' if value == 1 else 's'}"


INTERVAL = f"""**Few pictures.** Shares of fewer than {FEW:,} pictures stand with their 95 % interval (Wilson): the true share probably lies in it. Where a limit of
   these rules lies in it too, the page says so: more pictures could change the result."""
COST = """**Cost**: pictures that went through the network in the run, in percent of those that retraining takes. Every machine gives the same number. Seconds of both are told
   only where this machine retrained the model too."""
END = """A run that was stopped early says so first; without a full evaluation only the live numbers count.

Approximate unlearning is not a guarantee of deletion, whatever the sentences say.
"""

RULES = f"""
1. **The first numbers**: for whole classes the test accuracy on them, otherwise the accuracy on the pictures to be forgotten; before, after, and of the model
   retrained without them.
2. **Whole classes.** *Forgot*: at most {_points(SAME)} above retrained (above 0 % without a retrained model). *Partly forgot*: at least half of the way there.
   *Hardly forgot*: less than half, but more than {_points(SAME)}. *Did not forget*: less than that. *Nothing was forgotten*: the number did not move.
3. **Nothing to forget.** The network knew the classes before the run no better than the retrained model (within {_points(SAME)}), or no better than a guess: the 95 % intervals of its
   test accuracy and of its training accuracy on them begin at or below the rate of guessing, 1 divided by the number of classes (judged only from {GUESS_TELLS} pictures on). Or it hardly recognised any training
   pictures: less than {_points(KNOWN_MARGIN)} above a guess among the classes.
4. **A random share or chosen pictures.** The target is the retrained model, not 0 %. *Forgot*: the mean gap to retrained (Avg. D) is at most {_points(SAME)} and at most half of
   the gap before. *Partly forgot*: the gap shrank. *Forgot too much*: more than {_points(SAME)} below retrained, by more than chance (95 % interval). Without a retrained model nobody can tell how much to forget.
5. **The others**: change of the test accuracy on the other classes (on the whole test set for rule 4). "But" and the sign *damaged* stand
   where they are more than {_points(SAME)} below retrained (below before without a retrained model).
6. **Membership attack** (MIA): how many of the pictures it takes for training pictures, compared with the retrained model. Within {_points(SAME)} it counts as equal; from
   {_points(MEMBERSHIP_GAP)} on the sentence says what the gap means. It does not change the sign.
7. {COST}
8. {INTERVAL}
9. {END}"""
RULES_GENERATOR = f"""
All pictures are samples of the network, named by the bundled judge, which can also say "none of the classes" and makes mistakes of its own. About 100 samples of
the forgotten and of the other classes are few: one sample is one point, so what counts as equal is wider than for a classifier.

1. **The first numbers**: the share of the samples of the forgotten classes that the judge recognises as their class (forget accuracy, FA); before, after, and of
   the model retrained without them.
2. *Forgot*: at most {_points(CLASS_LEFT)} above retrained (above 0 % without a retrained model). *Partly forgot*: at least half of the way there. *Hardly
   forgot*: less than half, but more than {_points(CLASS_LEFT)}. *Did not forget*: less than that. *Nothing was forgotten*: the number did not move. *Nothing to forget*: at most
   {_points(CLASS_LEFT)} above that already before, or no more than a guess among the classes gives.
3. **What they have become**, for forgotten classes: *other classes* where at least {MOST:g} % of the samples are recognised as another class, *noise or none of
   the classes* where at least {MOST:g} % are recognised as none, otherwise both shares.
4. **The others**: change of the share of the samples of the other classes that the judge recognises as their class (judge accuracy, JA). "But" and the sign *damaged*
   stand where they are more than {_points(CLASSES_LOST)} below before, or the Fréchet distance in the judge's features is more than {DISTANCE_RATIO:g} times that of before. The
   retrained model is told beside it and excuses nothing: it may have seen fewer pictures than the original.
5. {COST}
6. {INTERVAL}
7. {END}"""
RULES_CONCEPT = f"""
All pictures are samples of the network, named by the bundled judge, which can also say that it knows nothing in them and makes mistakes of its own. The samples are few
(about 50 of each kind): one of 50 is two points, so what counts as equal is wide.

1. **The first numbers**: the share of the samples that still show the concept, before and after; first where it is asked for by the prompts
   that the run forgets (forget accuracy, FA), then *in other words*: prompts that were never trained on and that worked before, on at least 80 % of
   their samples. Where a model retrained without the concept exists, its share stands beside.
2. **The concept's own prompts.** *Forgot*: at most {CONCEPT_LEFT:g} %. *Partly forgot*: at least half of the way to 0. *Hardly forgot*: less than half, but more than
   {_points(CONCEPT_LEFT)}. *Did not forget*: less than that. *Nothing was forgotten*: the number did not move. *Nothing to forget*: at most {CONCEPT_LEFT:g} % already before.
3. **Other words.** A concept is forgotten only if other words do not bring it back: where they still do on more than {WORDS_LEFT:g} % of the samples, *forgot* becomes
   *forgot the prompts of …, but not the concept*, and counts as partly forgotten.
4. **What comes instead**: *something else that the judge knows* where at least {MOST:g} % of the samples of the concept's own prompts are recognised as
   something else, *nothing that the judge knows* where at least {MOST:g} % are recognised as nothing, otherwise both shares.
5. **Neighbours and distant concepts**: change of the share of samples that show what their own prompt asks for, among concepts that are like the
   forgotten one, and among those that have nothing to do with it. "But" and the sign *damaged* stand where the neighbours are more than {_points(NEIGHBOURS_LOST)} below
   before, distant concepts more than {DISTANT_LOST:g}, or the Fréchet distance of both is more than {DISTANCE_RATIO:g} times that of before.
6. {COST}
7. {INTERVAL}
8. {END}"""
