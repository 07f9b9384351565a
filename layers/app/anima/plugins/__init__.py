"""Plugins: tools that an avatar may use, what each avatar is permitted, and the log of every call."""
