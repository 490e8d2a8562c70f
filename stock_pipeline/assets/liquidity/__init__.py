"""Liquidity and credit stress in the United States, as known at dawn in Seoul."""
