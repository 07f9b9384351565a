"""Who calls: an API key, or somebody signed in, whose access token is renewed before and when it has expired."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from anima.client.call import Call, Given, Steps, filled
from anima.client.errors import NoCredentials, Unauthenticated
from anima.client.results.people import Tokens

_EARLY_SECONDS = 20.0


@dataclass(slots=True)
class Credentials:
    """A key that stays, or a pair of tokens that changes; `changed` is told each new pair, to be kept somewhere."""

    key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tokens: Tokens | None = field(default=None, repr=False)
    changed: Callable[[Tokens], None] | None = None
    _until: float = 0.0

    def __post_init__(self) -> None:
        if self.key is None and self.tokens is None and (self.username is None or self.password is None):
            raise NoCredentials
        if self.tokens is not None:
            self._until = time.monotonic() + self.tokens.expires_in

    @property
    def bearer(self) -> str | None:
        """What is sent now."""
        return self.key or (self.tokens.access_token if self.tokens else None)

    @property
    def due(self) -> bool:
        """Whether it is to be renewed before the next call."""
        return self.key is None and time.monotonic() > self._until - _EARLY_SECONDS

    def renewable(self, refused: str | None) -> bool:
        """Whether something else can be sent after this was refused: a key cannot."""
        return self.key is None and (refused != self.bearer or self.tokens is not None or self.password is not None)

    def renewal(self, refused: str | None) -> Steps[None]:
        """New tokens, unless another thread has got them since `refused` was sent: by the refresh token, else anew."""
        if self.bearer is not None and self.bearer != refused and not self.due:
            return
        if self.tokens is not None:
            given = Given(body={"refresh_token": self.tokens.refresh_token})
            try:
                renewed: Tokens = yield Call("POST", filled("/token/refresh", {}), Tokens, given, open=True)
            except Unauthenticated:
                if self.password is None:
                    raise
            else:
                self._keep(renewed)
                return
        form = {"grant_type": "password", "username": self.username or "", "password": self.password or ""}
        signed_in: Tokens = yield Call("POST", filled("/token", {}), Tokens, Given(form=form), open=True)
        self._keep(signed_in)

    def _keep(self, tokens: Tokens) -> None:
        self.tokens, self._until = tokens, time.monotonic() + tokens.expires_in
        if self.changed is not None:
            self.changed(tokens)
