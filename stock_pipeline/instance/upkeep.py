"""What `up` does beside its children: keeps the database running, tells of deaths, sends alerts.

Each of these may have to wait for something that is away, so each has a thread of its own; the
children are looked after meanwhile.
"""

from __future__ import annotations

import logging
import queue
import threading
from types import TracebackType

from stock_pipeline import logs
from stock_pipeline.alerts import loop
from stock_pipeline.alerts.alert import Alert
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.errors import DatabaseError
from stock_pipeline.settings import Settings
from stock_pipeline.storage import embedded
from stock_pipeline.storage.database import Database

ASK_SECONDS = 2.0
AGAIN_SECONDS = 5.0
FAREWELL_SECONDS = 5.0

DATABASE = "database"
KIND = "Ended"
# Where the reasons stand, unless in the log of the child.
LOGS = {DATABASE: "postgres/log"}

_LOG = logging.getLogger(__name__)


class Upkeep:
    """The threads, at work for as long as the block runs.

    url  of the database; the server behind it is looked after when it is the embedded one
    """

    def __init__(self, settings: Settings, url: str) -> None:
        self._settings = settings
        self._url = url
        self._news: queue.Queue[tuple[str, bool]] = queue.Queue()
        self._stop = threading.Event()
        targets = [self._tell, self._deliver]
        if settings.database_url is None:
            targets.append(self._keep_database)
        self._threads = [
            threading.Thread(target=target, name=target.__name__, daemon=True) for target in targets
        ]

    def __enter__(self) -> Upkeep:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the threads; one that waits for something that is away is not waited for."""
        self._stop.set()
        for thread in self._threads:
            thread.join(FAREWELL_SECONDS)

    def ended(self, name: str) -> None:
        """Tell that a process had ended by itself and was started again."""
        _LOG.warning("the %s had ended and was started again", name)
        self._news.put((name, False))

    def hung(self, name: str) -> None:
        """Tell that a process was ended because it did not do its work."""
        _LOG.error("the %s did not answer for minutes and was ended", name)

    def recovered(self, name: str) -> None:
        """Tell that such a process works again."""
        _LOG.info("the %s works again", name)
        self._news.put((name, True))

    def _tell(self) -> None:
        """Write what happened into the outbox, in its order, as soon as the database is there."""
        database = Database(self._url)
        news = None
        while not self._stop.is_set():
            try:
                news = news or self._news.get(timeout=ASK_SECONDS)
                _write(Outbox(database), *news)
                news = None
            except queue.Empty:
                continue
            except DatabaseError as error:
                _LOG.warning("the end of the %s is told later: %s", news and news[0], error)
                self._stop.wait(AGAIN_SECONDS)
        database.close()

    def _deliver(self) -> None:
        """Send what is in the outbox, also what other processes wrote."""
        loop.run(lambda: loop.dispatcher(self._settings, self._url), self._stop)

    def _keep_database(self) -> None:
        """Start the embedded server again when it has ended; what was committed is in its log."""
        folder = self._settings.home
        log = embedded.data_folder(folder) / "log"
        while not self._stop.wait(ASK_SECONDS):
            logs.rotate(log)
            if embedded.is_running(folder):
                continue
            try:
                embedded.start(folder)
            except DatabaseError as error:
                _LOG.error("%s", error)
                continue
            self.ended(DATABASE)
            self.recovered(DATABASE)


def _write(outbox: Outbox, name: str, is_over: bool) -> None:
    alert = ended_alert(name)
    if is_over:
        outbox.resolve(alert.incident_key, "다시 실행 중")
    else:
        outbox.open(alert)


def ended_alert(name: str) -> Alert:
    """Return what is said when a process of `up` has ended by itself."""
    return Alert(
        level="WARN",
        job="up",
        source=name,
        kind=KIND,
        what="프로세스가 저절로 끝나 다시 시작함",
        cause="프로세스 종료",
        action=f"반복되면 {LOGS.get(name, f'logs/{name}.log')} 확인",
    )
