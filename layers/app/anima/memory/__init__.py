"""Memory: what an avatar keeps of a person (facts, episodes, what was said), and how it comes back."""
