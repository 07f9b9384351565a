"""Lets rooms that turns do not import take part in them; done once, by whatever process takes turns."""

from __future__ import annotations


def wire() -> None:
    """Curiosity asks beside the answer, stores on other engines are searched too, beginnings of prompts are kept
    (and go with their avatars), pictures of a message are read, and experiments are looked after.
    """
    from anima.avatars import service as avatars
    from anima.chat import closing_service, further
    from anima.chat import pictures_service as pictures
    from anima.curiosity import turn_service as curiosity
    from anima.gateway import experiments_watch, slots_service
    from anima.gateway import service as models
    from anima.knowledge import elsewhere_service, service
    from anima.vendors.blobs import blobs
    from anima.vendors.llm import prefixes

    models.keep_beginnings(prefixes.keep)
    avatars.before_delete(slots_service.forget)
    service.also_search(elsewhere_service.begin)
    further.ask(curiosity)
    pictures.read_by(lambda uri: blobs().get(uri))
    closing_service.after_failure(experiments_watch.consider)
