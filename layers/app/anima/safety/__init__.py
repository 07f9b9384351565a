"""Care for the person: crisis, minors, breaks, and that nobody takes the avatar for a human being."""
