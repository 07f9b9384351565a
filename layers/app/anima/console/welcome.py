"""The page behind a one-time link: one chooses a password there. It works without scripts, too."""

from __future__ import annotations

from html import escape

from anima.console import page
from anima.console.assets import url
from anima.console.page import Page
from anima.identity.model import MIN_PASSWORD_CHARS
from anima.identity.service import LINK_HOURS, WELCOME

_SCRIPT = "pages/welcome.js"


def welcome(wrong: str | None = None, link: str = "") -> Page:
    """The form, with what was wrong about the last try and, where that is still good, the code of its link."""
    alert = f"<p class='alert' role='alert'>{escape(wrong)}</p>" if wrong else ""
    body = f"""
        <img class='portrait' src='{url("icon.svg")}' width='96' height='96' alt=''>
        <h1>Welcome to Anima</h1>
        <p class='lead'>Choose a password, and you are in.</p>
        <form method='post' action='{WELCOME}' class='stack'>
        <label>Code of your link: what follows its #
        <input name='link' autocomplete='off' spellcheck='false' required value='{escape(link)}'></label>
        <label>New password
        <input name='password' type='password' autocomplete='new-password' required
            minlength='{MIN_PASSWORD_CHARS}' aria-describedby='rule'></label>
        <label>The same once more
        <input name='again' type='password' autocomplete='new-password' required></label>
        {alert}
        <button class='primary'>Set password and sign in</button>
        <p class='quiet' id='rule'>{MIN_PASSWORD_CHARS} characters or more, and nothing that anybody would try first.
        The link holds for {LINK_HOURS} hours and works once.
        You have a password? <a href='/'>Sign in</a>.</p>
        </form>
    """
    return page.standing("Welcome", body, _SCRIPT)
