"""The outbox of alerts: what has to be said, what was said, and whether it is over."""

from __future__ import annotations

from stock_pipeline.storage.schema import Instant, Integer, Json, Text, column, key, table

OPS_ALERT = table(
    "ops_alert",
    key("alert_id", Text, "identity of this message"),
    column("incident_key", Text, "the thing and the trouble: one incident has one opening"),
    column("alert_type", Text, "opening, repeat, recovery or test"),
    column("alert_level", Text, "INFO, WARN or CRITICAL"),
    column("alert_title", Text, "what is wrong, in a few words of Korean"),
    column("alert_message", Text, "the whole line as it is sent"),
    column("alert_detail", Json, "further facts, for whoever looks into it"),
    column("created_at", Instant, "when it was written"),
    column("resolved_at", Instant, "when the incident was over; NULL while it is not"),
    column("channels_sent", Json, "channel → when it was delivered there, or why it was given up"),
    column("sent_at", Instant, "when it was delivered to every channel; NULL: not yet"),
    column("attempts", Integer, "deliveries tried, of all channels together"),
    column("acknowledged_by", Text, "who has taken note of it"),
    column("acknowledged_at", Instant, "when"),
    provenance="none",
    indexes=(("incident_key",), ("created_at",)),
)
TABLES = (OPS_ALERT,)
