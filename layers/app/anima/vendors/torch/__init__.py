"""Torch as the house meets it: states of modules, optimisers and generators, and plans of recomputation.

Nothing of it is loaded before something of torch's is handed in.
"""
