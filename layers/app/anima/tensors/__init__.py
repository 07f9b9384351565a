"""Tensors: a store of chunks that are known by what is in them, shared within an owner, checked at each read."""
