"""Every operation of the service, by what it is about: what is given for it and what it answers."""
