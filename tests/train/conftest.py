"""Tests that train with torch, in an environment of their own (`make test-train`); without torch none is collected."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]
