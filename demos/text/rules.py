"""The rules by which the sentence on a run is made, as people read them: of classifiers, of generators of classes, of concepts."""

from __future__ import annotations

RULES = """
1. **The number in brackets**: for whole classes the test accuracy on them (TA, forgotten classes), otherwise the accuracy on the
   forget rows (FA); before, after, and of the model retrained without them.
2. **Whole classes.** *Forgot*: at most 1 point above retrained (above 0 % where no retrained model exists). *Partly forgot*: at least half
   of the way there. *Hardly forgot*: less than half, but more than 1 point. *Did not forget*: everything else.
3. **A random share or chosen pictures.** The target is the retrained model, not 0 %. *Forgot*: mean gap to retrained (Avg. D) at most 1.0 and at most half of
   the gap before. *Partly forgot*: the gap shrank. *Forgot too much*: more than 1 point below retrained. Without a retrained model there is no verdict.
4. **The others**: change of the test accuracy on the other classes (on the whole test set for rule 3). "But" and the sign *damaged* stand
   where they are more than 1 point below retrained (below before where no retrained model exists).
5. **Time**: run time over the time that the recipe took to retrain. **Membership**: attack (MIA) minus that of the retrained model; within 1 point it
   counts as equal.
6. A run that was stopped early says so first; without a full evaluation only the live samples count.

Approximate unlearning is not a guarantee of deletion, whatever the sentence says.
"""
RULES_GENERATOR = """
All pictures are samples of the network, named by the bundled judge, which can also say "none of the classes". About 100 samples of
the forgotten and of the other classes are few: one sample is one point, so what counts as equal is wider than for a classifier.

1. **The number in brackets**: FA, the share of the samples of the forgotten classes that the judge recognises as their class; before, after, and of
   the model retrained without them.
2. *Forgot*: at most 2 points above retrained (above 0 % where no retrained model exists). *Partly forgot*: at least half of the way there. *Hardly
   forgot*: less than half, but more than 2 points. *Did not forget*: everything else. *Nothing to forget*: at most 2 points above that already before.
3. **The others**: change of JA, the share of the samples of the other classes that the judge recognises as their class. "But" and the sign *damaged*
   stand where they are more than 3 points below before, or the Fréchet distance in the judge's features is more than 1.15 times that of before. The
   retrained model is told beside it and excuses nothing: it may have seen fewer pictures than the original.
4. **Time**: wall-clock time of the run; beside it the CPU time that retraining took on one core. The two are not divided by each other; a share is
   given only where both are wall-clock times.
5. **What they have become**, for forgotten classes: *other classes* where at least half of the samples are accepted as another class, *noise or none of
   the classes* where at least half are accepted as none, otherwise both shares.
6. A run that was stopped early says so first; without an evaluation only the preview samples count.

Approximate unlearning is not a guarantee of deletion, whatever the sentence says.
"""
RULES_CONCEPT = """
All pictures are samples of the network, named by the bundled judge, which can also say that it knows nothing in them. The samples are few
(about 50 of each kind): one of 50 is two points, so what counts as equal is wide.

1. **The numbers in brackets**: the share of the samples that still show the concept, before and after; first where it is asked for by the prompts
   that the run forgets (FA), then *in other words* (FA, other words): prompts that were never trained on and that worked before, on at least 80 % of
   their samples.
2. **The concept's own prompts.** *Forgot*: at most 2 points. *Partly forgot*: at least half of the way to 0. *Hardly forgot*: less than half, but more than 2
   points. *Did not forget*: everything else. *Nothing to forget*: at most 2 points already before.
3. **Other words.** A concept is forgotten only if other words do not bring it back: where they still do on more than 4 % of the samples, *Forgot* becomes
   *Forgot the prompts of …, but not the concept*, and counts as partly forgotten.
4. **Neighbours and everything else**: change of the share of samples that show what their own prompt asks for, among concepts that are like the
   forgotten one, and among those that have nothing to do with it. "But" and the sign *damaged* stand where the neighbours are more than 6 points below
   before, everything else more than 4, or the Fréchet distance of both is more than 1.15 times that of before.
5. **What comes instead**: *something else that the judge knows* where at least half of the samples of the concept's own prompts are accepted as
   something else, *nothing that the judge knows* where at least half are accepted as nothing, otherwise both shares.
6. **Time** is wall-clock time. No model retrained without the concept exists here: the aim is 0 %, and what worked before.
7. A run that was stopped early says so first; without an evaluation only the preview samples count.

Approximate unlearning is not a guarantee of deletion, whatever the sentence says.
"""
