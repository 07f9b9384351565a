"""The suite: what neuromodulation gives, against tuned baselines and exact observers. Run it as a module."""
