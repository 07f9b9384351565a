"""The console: the page on which people talk with avatars, and the same talk without JavaScript."""
