"""Style: how a person writes, measured from what they say, so that replies may come nearer to it."""
