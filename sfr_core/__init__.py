"""SFR-on machine unlearning over any task, as a generator of typed events."""

import os

# torch's OpenMP threads spin for milliseconds while they wait for each other. As soon as another process wants a core too
# (a browser on a laptop, a second run in a classroom), that turns 20 steps/s into 0.8; with a short spin two processes keep
# 9 each, and a lone one loses nothing (docs/adr/0017). It must stand before torch is imported; a setting of the user's wins.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")
