"""The long-lived process: day after day what the schedules and the gap healer ask for."""

from __future__ import annotations

import gc
import json
import random
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as hour_of_day
from pathlib import Path

import dagster as dg
import psutil

from benchmarks.soak.runs import CADENCE, TABLES, Request, Runner, SoakClock, Victim, load
from stock_pipeline import discovery
from stock_pipeline.alerts.channels import Channel, channels
from stock_pipeline.alerts.dispatch import Dispatcher
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.clock import KST, Clock
from stock_pipeline.derived import Walk
from stock_pipeline.due import due_partitions
from stock_pipeline.gaps import Look
from stock_pipeline.gaps import Request as Asked
from stock_pipeline.healing import Plan, plan
from stock_pipeline.instance.watch import RunWatch
from stock_pipeline.market_calendar import MarketCalendar
from stock_pipeline.resources.machinery import database_url
from stock_pipeline.schedules import LINES, Line
from stock_pipeline.sensors.healing import unfilled
from stock_pipeline.settings import Settings
from stock_pipeline.storage import ddl
from stock_pipeline.storage.database import Database
from stock_pipeline.targets import targets

KILLED_RUNS, ABSENT_DAYS = 0.1, 0.02
# Longer than the five sessions that a schedule looks back: only the healer finds the others.
LONGEST_ABSENCE = 7
# Of the healer's ticks, of which there are 30 an hour, those that can find something new.
HEALER_HOURS = (hour_of_day(18, 15), hour_of_day(20, 15))
# The last session is a Friday: the weekend is there for what is left to do.
SETTLING_DAYS = 2
MEASURED_EVERY = 5
KILLED_AFTER = 600.0


@dataclass
class Lived:
    """What happened: runs, how they ended, what the process took after each day.

    megabytes  resident memory now and then, and at the same time open files
    """

    counts: Counter[str] = field(default_factory=Counter)
    megabytes: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    seconds: float = 0.0


class Daemon:
    """Asks at its hours what is due, has it collected, and tells what went wrong.

    kills  which share of its runs is killed
    """

    def __init__(
        self,
        database: Database,
        calendar: MarketCalendar,
        alerts: Sequence[Channel],
        *,
        seed: int,
        kills: float = KILLED_RUNS,
    ) -> None:
        self.lived = Lived()
        self._chance = random.Random(seed)
        self._database = database
        self._calendar = calendar
        self.runner = Runner(database, calendar)
        self._targets = [target for target in targets() if target.name in TABLES]
        self._dispatcher = Dispatcher(database, alerts, database.clock)
        self._took = [1.0]
        # The runs of killed processes have gone with them: the watch goes by our tables.
        self._nowhere = dg.DagsterInstance.ephemeral()
        self._kills = kills
        self._victim = Victim(database.clock.now()) if kills else None
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget what only the process knew, as after its restart."""
        self._watch = RunWatch(self._nowhere, self._database)
        self._walk = Walk()
        self._asked: list[tuple[date, Asked]] = []

    def schedule(self, line: Line) -> None:
        """Do what a schedule does at its hour."""
        self._watch.sweep()
        now = self._database.clock.now().astimezone(KST)
        works = [target.work for target in self._targets]
        window = line.window(self._calendar, now)
        for due in due_partitions(works, window, self._database, self._calendar):
            self._execute(Request(due.tables, (due.partition.isoformat(),)))
        self._dispatcher.deliver()

    def heal(self) -> None:
        """Do what the gap healer does in one tick."""
        self._watch.sweep()
        found = self._plan()
        self._walk = found.walk
        self._tell(found)
        today = self._database.clock.now().astimezone(KST).date()
        for batch in found.batches:
            self._asked.append(
                (today, Asked(frozenset(batch.tables), batch.keys[0], batch.keys[-1]))
            )
            self.lived.counts["healed partitions"] += len(batch.keys) * len(batch.tables)
            self._execute(Request(batch.tables, batch.keys, heals=True))
        self._dispatcher.deliver()

    def is_settled(self) -> bool:
        """Tell whether the healer has nothing to ask for and every message was delivered."""
        found = self._plan()
        has_more = found.batches or found.spent
        return not has_more and not Outbox(self._database).undelivered()

    def close(self) -> None:
        """End what waits for work."""
        if self._victim is not None:
            self._victim.end()
        self._nowhere.dispose()

    def _plan(self) -> Plan:
        now = self._database.clock.now()
        today = now.astimezone(KST).date()
        self._asked = [(day, asked) for day, asked in self._asked if day == today]
        look = Look(self._database, self._calendar, now, [asked for _, asked in self._asked])
        return plan(self._targets, look, self._walk)

    def _tell(self, found: Plan) -> None:
        outbox = Outbox(self._database)
        if found.spent:
            outbox.open(unfilled(found.spent))
        elif found.is_calm:
            outbox.resolve(unfilled({}).incident_key)

    def _execute(self, request: Request) -> None:
        self.lived.counts["runs"] += 1
        if self._victim is not None and self._chance.random() < self._kills:
            self._victim = self._killed(request, self._victim)
            return
        began = time.perf_counter()
        is_good = self.runner.execute(request)
        if is_good:
            self._took = [*self._took[-20:], time.perf_counter() - began]
        self.lived.counts["succeeded" if is_good else "failed"] += 1

    def _killed(self, request: Request, victim: Victim) -> Victim:
        """Have a run killed at some moment of its work; return who is next."""
        seconds = self._chance.uniform(0.0, statistics.median(self._took))
        now = self._database.clock.now()
        was_at_work = victim.execute(request, now, self._database, seconds=seconds)
        self.lived.counts["killed" if was_at_work else "killed too late"] += 1
        # The hour that it had come to is lost with it: its repetitions wait for minutes.
        self._database.clock.sleep(KILLED_AFTER)
        self.lived.counts["closed by the watch"] += len(self._watch.sweep())
        return Victim(now)


def live(daemon: Daemon, clock: Clock, days: Sequence[date], seed: int) -> None:
    """Live through these days, then through a weekend, in which what is left is done."""
    chance = random.Random(seed)
    absent_until = days[0]
    process = psutil.Process()
    for number, day in enumerate(days):
        if day >= absent_until and chance.random() < ABSENT_DAYS:
            absent_until = day + timedelta(days=chance.randint(1, LONGEST_ABSENCE))
            daemon.lived.counts["absences"] += 1
            daemon.begin_anew()
        if day >= absent_until:
            _live_through(daemon, clock, day)
        if number % MEASURED_EVERY == 0:
            gc.collect()
            daemon.lived.megabytes.append(process.memory_info().rss / 2**20)
            daemon.lived.files.append(process.num_fds())
    for later in range(SETTLING_DAYS):
        _live_through(daemon, clock, days[-1] + timedelta(days=1 + later))
    daemon.lived.counts["settled"] += daemon.is_settled()


def _live_through(daemon: Daemon, clock: Clock, day: date) -> None:
    for hour, line in sorted(_ticks(day), key=lambda tick: tick[0]):
        hours = datetime.combine(day, hour, KST) - clock.now()
        clock.sleep(max(0.0, hours.total_seconds()))
        if line is None:
            daemon.heal()
        else:
            daemon.schedule(line)


def _ticks(day: date) -> Iterator[tuple[hour_of_day, Line | None]]:
    """Return the hours of a day, with the schedule whose hour it is; None: the healer's."""
    for line in LINES:
        for cron in line.crons if line.job == CADENCE else ():
            minute, hour, _, _, weekdays = cron.split()
            first, last = map(int, weekdays.split("-"))
            if first <= day.isoweekday() <= last:
                yield hour_of_day(int(hour), int(minute)), line
    for healing in HEALER_HOURS:
        yield healing, None


def fill(folder: Path, days: str) -> None:
    """Collect these sessions in peace, on the evening of the last one."""
    keys = json.loads(days)
    clock = SoakClock(datetime.combine(date.fromisoformat(keys[-1]), hour_of_day(18), KST))
    database = _prepared(clock)
    load(Runner(database, MarketCalendar(clock)), keys)
    database.close()


def soak(folder: Path, loaded: str, days: str, seed: str) -> None:
    """Load the sessions before the first of these days, live through them, tell what happened."""
    lived_days = [date.fromisoformat(day) for day in json.loads(days)]
    clock = SoakClock(datetime.combine(lived_days[0], hour_of_day(1), KST))
    database = _prepared(clock)
    alerts = channels(Settings.load(), clock)
    daemon = Daemon(database, MarketCalendar(clock), alerts, seed=int(seed))
    load(daemon.runner, json.loads(loaded))
    (folder / "loaded").touch()
    began = time.perf_counter()
    live(daemon, clock, lived_days, int(seed))
    daemon.lived.seconds = time.perf_counter() - began
    daemon.close()
    database.close()
    (folder / "lived.json").write_text(json.dumps(vars(daemon.lived)))


def _prepared(clock: SoakClock) -> Database:
    database = Database(database_url(Settings.load()), clock=clock)
    today = clock.now().date()
    ddl.prepare(database, discovery.tables(), discovery.views(), mode="live", today=today)
    return database


if __name__ == "__main__":
    what, where, *told = sys.argv[1:]
    if what == "fill":
        fill(Path(where), *told)
    else:
        soak(Path(where), *told)
