"""The trainer: a neuromodulated DQN, from its simulation file to its record."""
