"""People: accounts, keys, how they write, and what keeps them from harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from anima.client.call import UNSET, Given, Unset, changed, present
from anima.client.operations import listing, operation
from anima.client.results.people import (
    AccountClosed,
    ApiKey,
    HelpLines,
    NewApiKey,
    PersonalSafety,
    SafetyReport,
    SignInLink,
    Style,
    Tokens,
    User,
)


class People:
    """Accounts, keys, style and safety."""

    @operation("GET", "/users/me", User)
    def me(self) -> Given:
        """Who is calling."""
        return Given()

    @operation("POST", "/users", User)
    def create_user(
        self,
        username: str,
        password: str,
        *,
        email: str | None = None,
        full_name: str | None = None,
        roles: Sequence[Literal["admin", "operator", "researcher", "viewer"]] = ("viewer",),
    ) -> Given:
        """An account for somebody (admins)."""
        named = present(email=email, full_name=full_name)
        return Given(body={"username": username, "password": password, "roles": roles, **named})

    @listing("/users", User)
    def list_users(self) -> Given:
        """Everybody (admins)."""
        return Given()

    @operation("POST", "/users/{user_id}/link", SignInLink)
    def make_sign_in_link(self, user_id: int) -> Given:
        """A link by which somebody sets a password (admins)."""
        return Given({"user_id": user_id})

    @operation("POST", "/users/me/password")
    def change_password(self, current_password: str, new_password: str) -> Given:
        """Changes your password; it ends all other sign-ins."""
        return Given(body={"current_password": current_password, "new_password": new_password})

    @operation("DELETE", "/users/me", AccountClosed)
    def delete_account(self, password: str) -> Given:
        """Ends your account and erases what is yours. There is no way back."""
        return Given(body={"password": password})

    @operation("GET", "/users/me/export", bytes)
    def export_everything(self) -> Given:
        """All that is stored of you, as a zip."""
        return Given()

    @operation("POST", "/api-keys", NewApiKey)
    def create_api_key(self, name: str) -> Given:
        """A key for a program; it is shown this once."""
        return Given(body={"name": name})

    @listing("/api-keys", ApiKey)
    def list_api_keys(self) -> Given:
        """Your keys, without the keys themselves."""
        return Given()

    @operation("DELETE", "/api-keys/{api_key_id}")
    def revoke_api_key(self, api_key_id: int) -> Given:
        """Ends a key."""
        return Given({"api_key_id": api_key_id})

    @operation("POST", "/token", Tokens, open=True)
    def sign_in(self, username: str, password: str) -> Given:
        """Tokens for a username and a password (a client that was given both does this by itself)."""
        return Given(form={"grant_type": "password", "username": username, "password": password})

    @operation("POST", "/token/refresh", Tokens, open=True)
    def refresh(self, refresh_token: str) -> Given:
        """New tokens for a refresh token, which is used up by it."""
        return Given(body={"refresh_token": refresh_token})

    @operation("POST", "/token/revoke", open=True)
    def sign_out(self, refresh_token: str) -> Given:
        """Ends a sign-in."""
        return Given(body={"refresh_token": refresh_token})

    @operation("GET", "/users/me/style", Style)
    def get_style(self) -> Given:
        """How you write, as it was measured."""
        return Given()

    @operation("PUT", "/users/me/style", Style)
    def change_style(self, *, enabled: bool | None = None, corrected: Mapping[str, str | None] | None = None) -> Given:
        """Corrects how you write, or switches the measuring off."""
        return Given(body=present(enabled=enabled, corrected=corrected))

    @operation("DELETE", "/users/me/style")
    def delete_style(self) -> Given:
        """Forgets how you write."""
        return Given()

    @operation("GET", "/users/me/safety", PersonalSafety)
    def get_safety(self) -> Given:
        """Your own settings of safety."""
        return Given()

    @operation("PUT", "/users/me/safety", PersonalSafety)
    def change_safety(
        self, *, country: str | Unset | None = UNSET, minor: bool | Unset = UNSET, breaks: bool | Unset = UNSET
    ) -> Given:
        """Changes your own settings of safety."""
        return Given(body=changed(country=country, minor=minor, breaks=breaks))

    @operation("PUT", "/users/{user_id}/safety")
    def set_age(self, user_id: int, age: Literal["unknown", "minor", "adult"]) -> Given:
        """Says of somebody whether they are of age (admins)."""
        return Given({"user_id": user_id}, body={"age": age})

    @operation("GET", "/safety/resources", HelpLines)
    def get_help_lines(self, country: str | None = None) -> Given:
        """Who can be called in need."""
        return Given(query=present(country=country))

    @operation("GET", "/safety/report", SafetyReport)
    def get_safety_report(self, year: int | None = None) -> Given:
        """How often something was done for safety, without names (admins)."""
        return Given(query=present(year=year))
