"""PostgreSQL: declarations, the one writer, the logs, the raw archive."""
