"""Chat: the turn. What is asked is stored, what may answer is recalled and found, a model speaks, all is kept."""
