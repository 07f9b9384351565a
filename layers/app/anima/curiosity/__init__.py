"""Curiosity: what an avatar would like to know, looked for in the background, and brought up when it fits."""
