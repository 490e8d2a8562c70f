"""Korean market data as one Dagster asset graph on PostgreSQL."""
