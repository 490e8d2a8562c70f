"""The liquidity and credit stress index: pure arithmetic on what was known in time."""
