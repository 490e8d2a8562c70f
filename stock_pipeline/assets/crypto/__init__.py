"""Coins, the size of their market and the value locked in DeFi, by UTC day."""
