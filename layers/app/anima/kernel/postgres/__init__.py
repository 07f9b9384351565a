"""Postgres as the house uses it: URLs, the embedded server, logins and grants, migrations.

Nothing is imported here: a function in the cloud needs `urls` only, and starts the faster for it.
"""
