"""Every text of the tab Learn. Words in braces are numbers that the browser computes (static/lesson.js facts) or that the recorded run has."""

from __future__ import annotations

from typing import Any

STEPS: list[dict[str, Any]] = [
    {
        "title": "What is forgetting?",
        "point": (
            "This model draws a straight line and calls every point on the shaded side “1”. The original learned from all points. The retrained model never "
            "saw the orange ones. Forgetting is the way from the first to the second (the arrow), without training again."
        ),
        "question": "If the model were trained again without the orange points, how would its line stand?",
        "choices": ["As slanted as now", "Almost upright", "Almost level"],
        "right": 1,
        "answer": (
            "Almost upright: only the orange points asked for a slanted line. Without them they fall on the other side of it ({lost} of {all} do), "
            "and nobody taught the model to put them there. That is what a model looks like that never saw them."
        ),
        "do": "Drag the ringed dot, or move it with the arrow keys. Each place is one model; its line among the points follows.",
        "weights": (
            "The blue lines are like those of a map: along each, the loss on the remain set is the same, and the green triangle stands at the "
            "bottom of the valley. On the dashed orange line the forget set is known as badly as by the retrained model."
        ),
        "real": "Before the run, the network knows what it is to forget as well as everything else. It has not two weights, but about 290,000.",
        "theory": (
            "The model says “1” with probability s(z) = 1 / (1 + e^−z), where z = w1·x1 + w2·x2. Its loss on a point with label y is log(1 + e^z) − y·z: near 0 where "
            "it is sure and right, large where it is sure and wrong. Training looks for the weights of least mean loss. The loss on the remain set also "
            "holds 0.0025·(w1² + w2²), which keeps the weights small."
        ),
        "ask": "Where must the ringed dot go so that nobody can tell the model from the retrained one? Why can we not look up that place in real life?",
        "pupils": (
            "Often: “forgetting means that every orange point gets the wrong answer”. No: it gets the answer of a model that never saw it, which may well be the right one. "
            "Often: “just delete the points”. The points are gone, but the line still stands where they put it."
        ),
    },
    {
        "title": "Ascent",
        "point": (
            "The simplest idea: training walks down the loss, so walk up the loss of the forget set. It does forget. But it looks at nothing else and comes out "
            "beside the valley: after {steps} steps at a distance of {distance} from the retrained model, with a remain loss of {remain} instead of {best}."
        ),
        "question": "While the forget loss climbs, what does the remain loss do?",
        "choices": ["It stays the same", "It falls first, then climbs", "It climbs from the start"],
        "right": 1,
        "answer": (
            "It falls first, from {begin}, because the orange points had pulled the original away from what is best for the blue ones. Then it turns and climbs. "
            "Nothing in ascent tells it to follow the valley down to {best}."
        ),
        "do": "Go back to the start and take one step after the other. Watch both losses.",
        "weights": "Each dot is one step. It stops where the forget loss reaches the retrained model's (dashed orange line).",
        "real": (
            "The real run pushes only in every {every}th step. After its first push, what is to be forgotten falls at once, and the rest loses a few points "
            "with it. The steps after a push repair that."
        ),
        "theory": (
            "w ← w − β·u with u = −(mean gradient of the forget losses) and β = 0.12: a step against the push u goes uphill. The steps grow longer and longer, because "
            "the gradient of a point that is known well is small, and that of a point that is already wrong is large."
        ),
        "ask": "Why are the first steps so short and the last ones so long? What would the path have to know to bend towards the green triangle?",
        "pupils": (
            "Often: “it harms the rest from the start”. Look at the remain curve: it falls first. Often: “then a smaller step is better”. Smaller steps walk the same path, only slower."
        ),
    },
    {
        "title": "When to stop",
        "point": (
            "More is not better. Ascent passes the retrained model (at step {steps}) and goes on. After {farSteps} steps it is {farDistance} away from it, further than the "
            "original was ({beginDistance}), and the remain loss is {farRemain} instead of {best}."
        ),
        "question": "Which model forgot best?",
        "choices": ["The one with the highest forget loss", "The one that is like the retrained model"],
        "right": 1,
        "answer": (
            "The retrained model has a forget loss of {target}: it takes the orange points for “0”, but it is not very sure. A loss of {farForget} means: quite sure of the wrong answer. "
            "No model that never saw them would be, so this one shows that something was removed, and the rest has paid for it."
        ),
        "do": "Move the slider over the steps and find the place nearest to the retrained model.",
        "weights": "The same path as before, but nobody stops it. The picture shows more of the plane now.",
        "real": (
            "The recorded run ends after {steps} steps at {last} %. That is what its retrained model reaches too: it never saw this class and cannot name it. "
            "For a random share of the pictures the goal would be far above 0 %."
        ),
        "theory": (
            "The loss of a row has no ceiling, so ascent has no end of its own. In this plane we know the retrained model's forget loss and stop there. In real life nobody "
            "does: a method has to stop by itself, or to fade."
        ),
        "ask": "If you did not know where the green triangle is, how would you notice that you have gone too far?",
        "pupils": "Often: “as wrong as possible is as forgotten as possible”. A model that is always wrong about a thing knows it very well.",
    },
    {
        "title": "Adaptive weights",
        "point": (
            "Not every point needs the same push. Here the push goes where the model is still sure (large diamonds), and it fades to nothing. Nobody stops either path: "
            "this one ends at a distance of {adaptive} from the retrained model, the one with equal pushes (dashed) at {plain}."
        ),
        "question": "Which of the orange points should be pushed hardest?",
        "choices": ["Those that the model knows best", "Those that it knows worst", "All alike"],
        "right": 0,
        "answer": (
            "Those that it knows best. A point that is already forgotten needs no push: pushing it further only does harm, as in step 3. Plain ascent "
            "does the opposite: its largest gradients come from points that are already wrong."
        ),
        "do": "Move through the steps: the area of a diamond is its share of the push.",
        "weights": "Both paths repair after each push, as step 7 explains. Orange: adaptive weights. Dashed: equal pushes.",
        "real": (
            "The recorded run uses adaptive weights in each of its pushes, and its pushes fade to the end: after the last ones the curve of what remains "
            "comes to rest at the top."
        ),
        "theory": (
            "The share of row i in the push is (1 − t/T)·l_i^(−1/2) / Σ l^(−1/2), with its loss l_i, the step t and T = 60. Without adaptive weights it is 1/n. The shares count as numbers: they "
            "are not differentiated."
        ),
        "ask": "Which diamonds are largest at the start, and where do they lie? What happens to their sizes on the way?",
        "pupils": "Often: “the worst known ones, to finish the work”. They are finished. Often the two effects are mixed up: sizes differ (sharing), and all shrink (fading).",
    },
    {
        "title": "The saliency mask",
        "point": (
            "Some weights matter to the forget set, others to the remain set. The mask lets forgetting move only those with a long orange bar beside the blue one. "
            "At threshold 1 only w2 may move: the path goes straight down and ends at a distance of {masked} from the retrained model, without the mask (dashed) at {distance}."
        ),
        "question": "Which weight matters more to the forget set than to the remain set?",
        "choices": ["w1", "w2", "Both"],
        "right": 1,
        "answer": (
            "w2: its orange bar is {ratio2} times as long as its blue one; for w1 it is {ratio1} times. The remain set lies along x1, so it needs w1, and the forget set lies high up in x2."
        ),
        "do": "Move the threshold: below {ratio1} both weights may move, above {ratio2} none.",
        "weights": "Plain ascent, with the mask (orange) and without it (dashed).",
        "real": "In the recorded run, too, the mask is made before the first push: it lets {density} % of the weights move.",
        "theory": (
            "A bar is the mean squared gradient of single rows, F_j = mean (s_i − y_i)²·x_ij²: the diagonal of the Fisher information. Weight j may move where "
            "F_forget,j / F_remain,j ≥ γ. It is measured once, at the original."
        ),
        "ask": "What goes wrong when the threshold is very low, and what when it is very high?",
        "pupils": "Often: “masked weights are deleted”. They only keep their value in the forgetting steps. Often: “the higher the threshold, the safer”. Above the greatest ratio nothing is forgotten.",
    },
    {
        "title": "The valley",
        "point": (
            "“Steepest” depends on how you measure a step. All steps that end on the grey circle are equally long. All steps that end on the green ellipse, which has the same area, disturb the remain set equally. Both arrows are the steepest way to forget; the green one runs along the valley."
        ),
        "question": "Which arrow forgets more for the same harm to the remain set?",
        "choices": ["The grey one (circle)", "The green one (ellipse)"],
        "right": 1,
        "answer": (
            "The green one: divide what it gains in forget loss by what it changes on the remain set, and compare. The ellipse is long where the valley is flat: there a step "
            "may be long, because the remain set hardly notices."
        ),
        "do": "Drag the ringed dot to other places in the valley, or on its slopes, and compare both arrows.",
        "weights": "Circle: equal length. Ellipse: equal harm to the remain set. Harm is how much the predictions there change (KL, in 1/1000 nats).",
        "real": (
            "After a push in the plain direction the rest has lost a few points ({remain} %). With about 290,000 weights, the ellipse would need a table of 290,000 times "
            "290,000 numbers. Nobody computes that: see step 7."
        ),
        "theory": (
            "Near w the KL divergence of the predictions on the remain set is about ½·dᵀH d, with H the second derivatives of the remain loss. The steepest direction for "
            "a given length is the gradient g; for a given dᵀH d it is H⁻¹g. This is a Newton step, or the natural gradient."
        ),
        "ask": "Where do both arrows point in nearly the same direction? Why there?",
        "pupils": "Often: “steepest is steepest”. Compare hiking: the steepest way per metre walked is not the one that gains most height per litre of sweat in deep snow.",
    },
    {
        "title": "Fast and slow",
        "point": (
            "SFR-on stays in the valley with plain steps alone: one push (up and out), then K repairing steps on the remain set (back into the valley), again and again. "
            "With K\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}4 it ends at a distance of {k4} from the retrained model, with K\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}16 of {k16}. The exact way along the valley (dashed) ends at {manifold}, ascent at {distance}."
        ),
        "question": "What do more repairing steps do?",
        "choices": ["They undo the forgetting", "They bring the path back into the valley", "Nothing"],
        "right": 1,
        "answer": (
            "They take back only what the remain set minds. The part of the push that runs along the valley stays, because the remain set hardly notices it. "
            "With K\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0 it is plain ascent. With a large K the path ends even nearer to the retrained model than the dashed one, because repairs also go down to the bottom of the valley."
        ),
        "do": "Turn K from 0 upwards and watch the thin blue zigzag and the number of pushes.",
        "weights": "Orange: the slow weights. Thin blue: the fast weights between them, one push and K repairs. Dashed: the exact way.",
        "real": (
            "The recorded run pushes in every {every}th step and repairs in the others. Repairs bring the rest back to the top, and a little of what "
            "was forgotten with it: that is why it pushes again."
        ),
        "theory": (
            "f ← w − β·u, then K times f ← f − η·∇L_remain(f), then w ← w + α·(f − w), with η = 0.8 and α = 1. Near the bottom of the valley the push becomes (I − ηH)^K u, about "
            "(I + KηH)⁻¹ u: a Newton step, damped by 1/(Kη). Steep directions are taken back, flat ones stay."
        ),
        "ask": "Why are fewer pushes needed when K is large? What does a large K cost in a real network?",
        "pupils": "Often: “repairing brings the memory back”. A little, yes (see the recorded run), but mostly what the remain set needs. Often: “then K as large as possible”. Each repair costs a pass over a batch.",
    },
]  # fmt: skip

LEARN: dict[str, Any] = {
    "title": "How a model forgets, in seven steps",
    "intro": "A model with only two weights, so small that all of it can be drawn. Your browser computes everything here; nothing waits for a server.",
    "stepsLabel": "Steps of the lesson",
    "steps": STEPS,
    "guess": "Guess first:",
    "dataTitle": "The points, and the line that the model draws",
    "dataKey": [
        ("one", "remain set, label 1"),
        ("zero", "remain set, label 0"),
        ("diamond", "forget set, label 1"),
        ("now", "the model now"),
        ("original", "original"),
        ("retrained", "retrained"),
    ],
    "dataAlt": (
        "The points of both sets and the lines of three models: the original, the retrained one and the model now. The numbers are in the table below."
    ),
    "weightsTitle": "All models: each place is one pair of weights",
    "weightsAlt": "The plane of the two weights with the valley of the remain loss, the original, the retrained model and the path. The numbers are in the table below.",
    "original": "original",
    "retrained": "retrained",
    "yours": "now",
    "handle": "The model's weights",
    "knobs": {"t": "Step", "k": "K, repairing steps after each push", "gamma": "Threshold γ"},
    "oneStep": "One step",
    "toStart": "To the start",
    "toEnd": "To the end",
    "forgetLoss": "Forget loss",
    "remainLoss": "Remain loss",
    "distance": "Distance to the retrained weights",
    "kl": "Differs from retrained on the remain set (KL, 1/1000 nats)",
    "known": "Forget set: still called “1”",
    "circle": "Grey arrow (circle)",
    "ellipse": "Green arrow (ellipse)",
    "gain": "forget +{forget}, harm {kl}",
    "said": "Step {step}: forget loss {forget}, remain loss {remain}, distance to the retrained weights {distance}.",
    "curvesTitle": "Losses along the path (dotted: the retrained model's)",
    "curvesAlt": "Curves of forget loss and remain loss along the path; the numbers are in the table below.",
    "barsTitle": "How much each set needs a weight (Fisher information)",
    "barsAlt": "Two bars for each weight: how much the forget set and the remain set need it. The ratios stand in the text above.",
    "moves": "may move",
    "held": "held",
    "realTitle": "On the real network",
    "recorded": (
        "Recorded run, {title}: after step {step} of {steps} it recognises {forget} % of what it is to forget (orange) and {remain} % of the rest (blue), of {n} pictures each."
    ),
    "recordedAlt": "Curves of the recorded run: share of recognised pictures of the forget set and of the remain set.",
    "sets": {"forget": "to forget", "remain": "to keep"},
    "pictureAlt": "{truth}, {set}",
    "tableTitle": "The numbers as a table",
    "head": ["step", "w1", "w2", "forget loss", "remain loss", "distance", "KL (nats)"],
    "theoryTitle": "The theory",
    "teacherTitle": "For teachers",
    "askTitle": "Ask the class:",
    "pupilsTitle": "What pupils tend to say:",
    "closing": "Gone, or only steered away?",
    "closingText": (
        "Here both are the same: a model is one place in the plane. In a network with many weights, two models can give the same answers, and one of them still holds "
        "traces of what it saw. Only an attack can tell. Forget a concept with the text-to-image model in the tab Unlearn, then open “Can it be brought back?” below its result."
    ),
    "tryIt": "Try it in the tab Unlearn",
    "back": "Back",
    "next": "Next step",
}  # fmt: skip
