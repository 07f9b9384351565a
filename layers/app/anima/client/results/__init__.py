"""What the service answers, as frozen dataclasses; their fields are those of its own description (a test says so)."""
