"""Daily prices, partitioned by session."""
