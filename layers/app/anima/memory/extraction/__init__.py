"""Extraction: what a person says of themselves, found by rules and by a model whose proposals code judges. Pure."""
