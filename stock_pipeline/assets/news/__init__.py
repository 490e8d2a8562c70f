"""News of the market, as headlines."""
