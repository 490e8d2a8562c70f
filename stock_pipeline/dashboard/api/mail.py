"""Who gets which letter, and which shares somebody watches: told, added and removed."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from stock_pipeline.dashboard.api import problems
from stock_pipeline.dashboard.api.answers import AS_FILES, Answers
from stock_pipeline.dashboard.api.asked import RowsAsked, Ticker
from stock_pipeline.dashboard.api.models import page_model
from stock_pipeline.dashboard.context import Context
from stock_pipeline.emails import mail_subscriber, watchlist
from stock_pipeline.emails.address import LONGEST, PATTERN
from stock_pipeline.emails.mail_subscriber import MAIL_SUBSCRIBER, Kind
from stock_pipeline.emails.watchlist import WATCHLIST
from stock_pipeline.storage.extract import Extract

Email = Annotated[
    str,
    Field(pattern=PATTERN, max_length=LONGEST, description="one plain address; capitals are small"),
    AfterValidator(str.lower),
]
_WHICH = "letter: market at 07:30, watchlist at 08:00"

_KNOWN: dict[int | str, dict[str, Any]] = {200: {"description": "it was so already"}}
_UNKNOWN = problems.answers(HTTPStatus.NOT_FOUND)


class SubscribersAsked(RowsAsked):
    """Which subscribers."""

    kind: Kind | None = Field(None, description=_WHICH)
    everyone: bool = Field(False, description="also those that were switched off")


class WatchlistAsked(RowsAsked):
    """Whose list."""

    email: Email | None = None


class Subscription(BaseModel):
    """One letter to one address."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    kind: Kind = Field(description=_WHICH)


class Watch(BaseModel):
    """One share on one person's list."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    ticker: Ticker


def routes(context: Context) -> APIRouter:
    """Return the endpoints of subscribers and watchlist."""
    router = APIRouter(tags=["mail"], responses=problems.answers(*problems.LIST))
    _add_subscribers(router, context)
    _add_watchlist(router, context)
    return router


def _add_subscribers(router: APIRouter, context: Context) -> None:
    answers = Answers(context)

    @router.get("/subscribers", response_model=page_model(MAIL_SUBSCRIBER), responses=AS_FILES)
    def subscribers(asked: Annotated[SubscribersAsked, Query()]) -> Any:
        """Return who gets which letter, by address."""
        where = [] if asked.everyone else ["is_active"]
        where += ["kind = :kind"] if asked.kind else []
        params = {"kind": asked.kind} if asked.kind else {}
        return answers.rows(Extract(MAIL_SUBSCRIBER, where=where, params=params), asked)

    @router.post("/subscribers", status_code=HTTPStatus.CREATED, responses=_KNOWN)
    def subscribe(one: Subscription, response: Response) -> Subscription:
        """Send a letter to an address from now on; 200 when it is sent there already."""
        is_new = mail_subscriber.add(context.writer, one.email, one.kind)
        response.status_code = HTTPStatus.CREATED if is_new else HTTPStatus.OK
        return one

    @router.delete("/subscribers", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
    def unsubscribe(one: Annotated[Subscription, Query()]) -> None:
        """Send a letter to an address no more."""
        if not mail_subscriber.remove(context.writer, one.email, one.kind):
            raise HTTPException(HTTPStatus.NOT_FOUND, f"email: no {one.kind} letter goes there")


def _add_watchlist(router: APIRouter, context: Context) -> None:
    answers = Answers(context)

    @router.get("/watchlist", response_model=page_model(WATCHLIST), responses=AS_FILES)
    def watched(asked: Annotated[WatchlistAsked, Query()]) -> Any:
        """Return who watches which share, with the score last told of, by address and code."""
        where = ["user_email = :email"] if asked.email else []
        params = {"email": asked.email} if asked.email else {}
        return answers.rows(Extract(WATCHLIST, where=where, params=params), asked)

    @router.post("/watchlist", status_code=HTTPStatus.CREATED, responses={**_KNOWN, **_UNKNOWN})
    def watch(one: Watch, response: Response) -> Watch:
        """Put a share on a list, whose owner then gets the letter; 200 when it is there already."""
        result = watchlist.add(context.writer, one.email, one.ticker)
        if result == "unknown":
            raise HTTPException(HTTPStatus.NOT_FOUND, f"ticker: no share {one.ticker} is stored")
        response.status_code = HTTPStatus.CREATED if result == "added" else HTTPStatus.OK
        return one

    @router.delete("/watchlist", status_code=HTTPStatus.NO_CONTENT, responses=_UNKNOWN)
    def forget(one: Annotated[Watch, Query()]) -> None:
        """Take a share off a list."""
        if not watchlist.remove(context.writer, one.email, one.ticker):
            raise HTTPException(HTTPStatus.NOT_FOUND, f"ticker: {one.ticker} is not on that list")
