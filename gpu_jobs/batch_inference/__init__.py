"""Batch inference: a file of prompts, messages or texts in, a line of answer for each out, once and in order."""
