"""The outside world: the only place that names an SDK or a service of others, imported when first used."""
