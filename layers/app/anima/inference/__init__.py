"""Inference: what models made of inputs, kept so that it is not made twice."""
