"""Operations: what keeps a place running: its database, its models, its workers, the first start."""
