"""Which database this is: a branch has the rows of another, and is not that one."""

from __future__ import annotations

from typing import LiteralString

HOME: LiteralString = """
    select oid::text || coalesce(':' || current_setting('neon.timeline_id', true), '') as home
    from pg_database where datname = current_database()
"""
BRANCHES_KEY = "tensors.branches"
"""The setting by which a database knows that branches of it are there, which read its packs."""
