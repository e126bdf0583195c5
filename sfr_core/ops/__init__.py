"""The parts of SFR-on that can be tested by hand: saliency, weights, schedules."""
