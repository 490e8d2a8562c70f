"""Scores computed from prices and filings."""
