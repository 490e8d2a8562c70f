"""What is told about tables that are behind: a check of every one, an alert, the graph's badge.

The sensor looks every minute. What has changed it reports as evaluations of the check, without a
run; tables that fall behind together are one alert, which turns critical on the second day and is
over when all of them are current. Which alerts are open is read from the outbox, so that neither a
lost cursor nor a tick that died half-way says anything twice or forgets to say that it is over.
"""

# No `from __future__ import annotations`: Dagster reads the annotation of `context` as it stands.

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

import dagster as dg

from stock_pipeline import discovery
from stock_pipeline.alerts.alert import Alert, Level
from stock_pipeline.alerts.outbox import Outbox
from stock_pipeline.cadences import cadences, first_source
from stock_pipeline.quality.freshness import badge_window
from stock_pipeline.staleness import State, staleness
from stock_pipeline.storage.database import Database

IS_FRESH = "is_fresh"
SENSOR, KIND = "freshness", "Stale"
CRITICAL_AFTER = timedelta(days=1)
# More names say less; all of them are in the alert's details.
_MOST_NAMES = 8
_NEEDS = {"db", "clock", "calendar", "settings"}
_OPEN = """
SELECT incident_key, created_at, alert_detail ->> 'tables' AS tables FROM ops_alert
WHERE resolved_at IS NULL AND alert_type = 'opening' AND incident_key LIKE :keys
ORDER BY incident_key
"""


def with_badge(asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """Return the asset with its freshness policy: the badge in the graph.

    Caveats  it only knows when something came last, whatever it was; alerts come from the check
    """
    windows = {name: badge_window(cadence) for name, cadence in cadences().items()}

    def badged(spec: dg.AssetSpec) -> dg.AssetSpec:
        window = windows.get(spec.tags.get("cadence", ""))
        if window is None:
            return spec
        return spec.replace_attributes(freshness_policy=dg.FreshnessPolicy.time_window(window))

    return asset.map_asset_specs(badged)


def is_fresh() -> dg.AssetChecksDefinition:
    """Return the check of all tables; Dagster runs it for those that somebody selects."""
    description = "the newest partition that should be stored is"

    @dg.multi_asset_check(
        name=IS_FRESH,
        specs=[
            dg.AssetCheckSpec(IS_FRESH, asset=name, description=description)
            for name in discovery.scheduled()
        ],
        can_subset=True,
        required_resource_keys=_NEEDS,
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        names = [key.asset_key.to_user_string() for key in context.selected_asset_check_keys]
        for state in _states(context.resources, names):
            yield dg.AssetCheckResult(
                asset_key=state.asset,
                check_name=IS_FRESH,
                passed=state.is_fresh,
                severity=_severity(state),
                metadata=_metadata(state),
            )

    return check


def freshness() -> dg.SensorDefinition:
    """Return the sensor that tells of tables that fall behind, and of those that are current."""

    @dg.sensor(
        name=SENSOR,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys=_NEEDS,
        description="reports is_fresh where it has changed and opens and closes alerts",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        states = _states(context.resources, None)
        tell(states, context.resources.db)
        before = _cursor(context.cursor)
        after = {state.asset: _position(state) for state in states}
        events = [_evaluation(s) for s in states if _is_news(s, before.get(s.asset))]
        behind = sum(state.is_stale for state in states)
        skip = None if events else f"nothing has changed: {behind} of {len(states)} are behind"
        return dg.SensorResult(asset_events=events, skip_reason=skip, cursor=json.dumps(after))

    return sensor


def tell(states: Sequence[State], db: Database) -> None:
    """Open one alert of what has fallen behind, raise those of yesterday, close what is over."""
    outbox, now = Outbox(db), db.clock.now()
    stale = {state.asset: state for state in states if state.is_stale}
    told: set[str] = set()
    for incident in db.read(_OPEN, {"keys": f"%/{KIND}"}).to_dicts():
        tables = json.loads(incident["tables"] or "[]")
        behind = [stale[name] for name in tables if name in stale]
        told.update(tables)
        if not behind:
            outbox.resolve(incident["incident_key"], "뒤처진 표가 더 없습니다")
        elif now - incident["created_at"] >= CRITICAL_AFTER:
            first = incident["incident_key"].removesuffix(f"/{KIND}")
            outbox.open(_alert(behind, "CRITICAL", first=first), {"tables": tables})
    news = [state for name, state in stale.items() if name not in told]
    if news:
        outbox.open(_alert(news, "WARN"), {"tables": [state.asset for state in news]})


def _alert(behind: Sequence[State], level: Level, *, first: str | None = None) -> Alert:
    """Return the alert of some tables; `first` names the incident if it is open already."""
    names = [state.asset for state in behind]
    more = f" 외 {len(names) - _MOST_NAMES}개" if len(names) > _MOST_NAMES else ""
    worst = min(behind, key=lambda state: state.found or "")
    return Alert(
        level,
        job=SENSOR,
        source=first or names[0],
        kind=KIND,
        what=f"최신이 아닌 표 {len(names)}개: {', '.join(names[:_MOST_NAMES])}{more}",
        cause=f"{KIND}: {worst.asset}에 {worst.required} 필요, {worst.found or '없음'}",
        action="자동으로 다시 수집됨; 계속되면 stock-pipeline healthcheck와 gaps로 확인",
    )


def _states(resources: object, names: Sequence[str] | None) -> list[State]:
    db, calendar, clock, settings = (
        getattr(resources, name) for name in ("db", "calendar", "clock", "settings")
    )
    return staleness(db, calendar, clock.now(), source=first_source(settings), only=names)


def _cursor(text: str | None) -> Mapping[str, str]:
    """Return the positions told last; none, or a cursor of another form, tells all anew."""
    try:
        known = json.loads(text or "{}")
    except ValueError:
        return {}
    return known if isinstance(known, dict) else {}


def _position(state: State) -> str:
    """Return what, when it changes, is told: while a table is behind also what is required."""
    return f"{state.status} {state.required}" if state.is_stale else state.status


def _is_news(state: State, before: str | None) -> bool:
    return _position(state) != before and (before is not None or state.status != "never")


def _evaluation(state: State) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(state.asset),
        check_name=IS_FRESH,
        passed=state.is_fresh,
        severity=_severity(state),
        metadata=_metadata(state),
    )


def _severity(state: State) -> dg.AssetCheckSeverity:
    """Return an error for what is behind; what cannot be there yet or at all is a warning."""
    return dg.AssetCheckSeverity.ERROR if state.is_stale else dg.AssetCheckSeverity.WARN


def _metadata(state: State) -> dict[str, str]:
    texts = {
        "state": "OK" if state.is_fresh else state.status.upper(),
        "required": state.required,
        "found": state.found or "nothing",
        "detail": state.detail,
    }
    return {name: text for name, text in texts.items() if text}
