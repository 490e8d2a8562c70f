"""Dagster-only plumbing: supervisor, configuration."""
