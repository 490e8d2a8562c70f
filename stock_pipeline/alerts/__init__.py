"""Alerts: written to an outbox first, delivered to every channel by a loop of their own."""
