"""What each class of failure means to whoever watches: the log's outcome and the severity."""

from __future__ import annotations

import pytest

from stock_pipeline import errors

pytestmark = pytest.mark.fault

MEANINGS = [
    (errors.Timeout, "error", "WARN"),
    (errors.ServerError, "error", "WARN"),
    (errors.NetworkError, "error", "WARN"),
    (errors.RateLimited, "quota", "WARN"),
    (errors.QuotaExhausted, "quota", "WARN"),
    (errors.AuthError, "auth_expired", "CRITICAL"),
    (errors.Maintenance, "skipped", "INFO"),
    (errors.BadRequest, "error", "CRITICAL"),
    (errors.BadPayload, "error", "WARN"),
    (errors.SchemaDrift, "error", "CRITICAL"),
    (errors.QualityReject, "error", "WARN"),
    (errors.Blocked, "blocked", "CRITICAL"),
    (errors.EmptyOnBusinessDay, "error", "WARN"),
    (errors.DatabaseUnavailable, "error", "CRITICAL"),
    (errors.LockTimeout, "error", "CRITICAL"),
    (errors.PoolExhausted, "error", "CRITICAL"),
    (errors.DiskFull, "error", "CRITICAL"),
    (errors.Busy, "skipped", "INFO"),
    (errors.StaleWriter, "skipped", "INFO"),
    (errors.SettingMissing, "skipped", "WARN"),
]


@pytest.mark.parametrize(("kind", "outcome", "severity"), MEANINGS)
def test_a_class_has_one_outcome_and_one_severity(
    kind: type[errors.PipelineError], outcome: str, severity: str
) -> None:
    assert (kind.outcome, kind.severity) == (outcome, severity)
