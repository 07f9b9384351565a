"""What comes and goes as a whole: past conversations that a person brings along."""
