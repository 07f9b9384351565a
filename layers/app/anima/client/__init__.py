"""The client: everything that a deployment of Anima offers, for programs, by its URL and a key.

    from anima.client import Anima

    with Anima("https://anima.example.org", key="anima_…") as anima:
        session = anima.create_session(avatar="Luna")
        with anima.stream_message(session.session_id, "Good morning!") as stream:
            for word in stream.words():
                print(word, end="", flush=True)

`AsyncAnima` has the same methods, to be awaited. Neither needs a database or the rest of the house.
"""

from anima.client.async_client import AsyncAnima
from anima.client.async_talk import AsyncTalkLine
from anima.client.errors import (
    ApiError,
    BadFile,
    BadInput,
    BudgetExceeded,
    Conflict,
    ConnectionFailed,
    Forbidden,
    KeyReused,
    ModelFailed,
    NoAvatar,
    NoCredentials,
    NotFound,
    Problem,
    RateLimited,
    ServerFailed,
    StillRunning,
    StreamCut,
    TimedOut,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnexpectedAnswer,
    WrongPerson,
)
from anima.client.events import ApprovalNeeded, Done, Other, Started, Token, ToolEnded, ToolStarted, TurnEvent
from anima.client.frames import Joined, Responded, State, TalkEvent
from anima.client.pages import AsyncPages, Page, Pages
from anima.client.retries import Retries
from anima.client.streams import AsyncTurnStream, TurnStream
from anima.client.sync_client import Anima
from anima.client.sync_talk import TalkLine
from anima.client.watched import AsyncSamples, Samples
from anima.kernel.errors import AnimaError

__all__ = [
    "Anima",
    "AnimaError",
    "ApiError",
    "ApprovalNeeded",
    "AsyncAnima",
    "AsyncPages",
    "AsyncSamples",
    "AsyncTalkLine",
    "AsyncTurnStream",
    "BadFile",
    "BadInput",
    "BudgetExceeded",
    "Conflict",
    "ConnectionFailed",
    "Done",
    "Forbidden",
    "Joined",
    "KeyReused",
    "ModelFailed",
    "NoAvatar",
    "NoCredentials",
    "NotFound",
    "Other",
    "Page",
    "Pages",
    "Problem",
    "RateLimited",
    "Responded",
    "Retries",
    "Samples",
    "ServerFailed",
    "Started",
    "State",
    "StillRunning",
    "StreamCut",
    "TalkEvent",
    "TalkLine",
    "TimedOut",
    "Token",
    "TooLarge",
    "ToolEnded",
    "ToolStarted",
    "TurnEvent",
    "TurnStream",
    "Unauthenticated",
    "Unavailable",
    "UnexpectedAnswer",
    "WrongPerson",
]
