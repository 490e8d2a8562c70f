"""Delivery: what is in the outbox goes to every channel, in its own time.

Nothing waits for it. A channel that fails rests for 1, 2, 4, 8 and then each time 15 minutes, for a
day at most; one that refuses for good is off until its address is another one, and the other
channels are told so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from stock_pipeline.alerts import claims
from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.channel import Channel, failure_of
from stock_pipeline.alerts.claims import Claim
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.clock import Clock
from stock_pipeline.errors import AuthError, BadRequest, RateLimited, SettingInvalid
from stock_pipeline.storage.database import Database
from stock_pipeline.storage.schema import SCHEMA

# At most one message a second; a storm of them is bounded by `claims.STORM_MESSAGES`.
PAUSE_SECONDS = 1.0
REFUSED = "rejected"


@dataclass(frozen=True)
class Delivered:
    """What one pass did, in messages over all channels.

    off  channels that refuse every message
    """

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    off: tuple[str, ...] = ()


def refusal_key(channel: str) -> str:
    """Return the incident that a channel refuses everything."""
    return f"{_source(channel)}/{REFUSED}"


class Dispatcher:
    """Delivers what is due; several processes may do so at once."""

    def __init__(self, database: Database, channels: Sequence[Channel], clock: Clock) -> None:
        self._database = database
        self._channels = channels
        self._clock = clock
        self._outbox = Outbox(database)

    def close(self) -> None:
        """Give back the connections to the database."""
        self._database.close()

    def deliver(self) -> Delivered:
        """Send what is due now to every channel, at most a few messages each.

        Raises  DatabaseError; a failing channel is noted, not raised
        """
        self._outbox.remind()
        counts: Counter[str] = Counter()
        for channel in self._channels:
            if not self._is_off(channel):
                counts.update(self._deliver_to(channel))
        # Also those that were found to refuse during this pass.
        off = [channel.name for channel in self._channels if self._is_off(channel)]
        working = [channel.name for channel in self._channels if channel.name not in off]
        self._database.transaction(lambda c: claims.finish(c, working, self._clock.now()))
        return Delivered(counts["sent"], counts["failed"], counts["given_up"], tuple(off))

    def _deliver_to(self, channel: Channel) -> list[str]:
        """Return how each message ended; after a failure the channel rests."""
        outcomes: list[str] = []
        while len(outcomes) < claims.STORM_MESSAGES:
            now = self._clock.now()
            claimed = self._database.transaction(
                lambda c, now=now: claims.claim(c, channel.name, now)  # type: ignore[misc]  # bound
            )
            if claimed is None:
                break
            outcomes.append(self._send(channel, claimed))
            if outcomes[-1] == "failed":
                break
            self._clock.sleep(PAUSE_SECONDS)
        return outcomes

    def _send(self, channel: Channel, claimed: Claim) -> str:
        try:
            _send_or_its_title(channel, claimed)
        except Exception as error:  # one alert channel: the others, and the work, go on
            return self._failed(channel, claimed, error)
        sent_at = self._clock.now().isoformat()
        self._note(claimed, {"sent_at": sent_at, "message": claimed.message.identity})
        return "sent"

    def _failed(self, channel: Channel, claimed: Claim, error: Exception) -> str:
        why = failure_of(error, channel)
        if isinstance(error, BadRequest):
            self._note(claimed, {"given_up": why})
            return "given_up"
        next_at = claims.next_attempt(self._clock.now(), claimed.tries)
        if isinstance(error, RateLimited) and error.retry_after is not None:
            next_at = self._clock.now() + timedelta(seconds=max(PAUSE_SECONDS, error.retry_after))
        state = {"tries": claimed.tries, "next_at": next_at.isoformat(), "error": why}
        self._note(claimed, state)
        if isinstance(error, AuthError | SettingInvalid):
            self._outbox.open(_refusal(channel, error), {"fingerprint": channel.fingerprint})
        return "failed"

    def _note(self, claimed: Claim, state: dict[str, object]) -> None:
        self._database.transaction(lambda c: claims.note(c, claimed, state))

    def _is_off(self, channel: Channel) -> bool:
        """Tell whether the channel has refused for good; with another address it is asked again."""
        found = self._database.read(
            f"SELECT alert_detail ->> 'fingerprint' AS address FROM {SCHEMA}.ops_alert"
            " WHERE incident_key = :key AND resolved_at IS NULL AND alert_type = 'opening'",
            {"key": refusal_key(channel.name)},
        )
        if found.is_empty():
            return False
        if found["address"][0] == channel.fingerprint:
            return True
        self._outbox.resolve(refusal_key(channel.name), "설정이 바뀌었습니다")
        return False


def _send_or_its_title(channel: Channel, claimed: Claim) -> None:
    """Send the message; if its form is refused, at least say in plain words that there is one."""
    try:
        channel.send(claimed.message)
    except BadRequest:
        plain = f"{claimed.message.title} ({claimed.message.identity})"
        channel.send(replace(claimed.message, text=plain))


def _source(channel: str) -> str:
    return f"alerts {channel}"


def _refusal(channel: Channel, error: AuthError | SettingInvalid) -> Alert:
    setting = error.setting if isinstance(error, AuthError) else error.name
    return Alert(
        "WARN",
        "alerts",
        _source(channel.name),
        REFUSED,
        what=f"경보 통로 {channel.name}이(가) 전송을 거부하여 껐습니다",
        cause=failure_of(error, channel),
        action=f"{setting} 값을 고친 뒤 stock-pipeline alert test 로 확인하십시오",
    )
