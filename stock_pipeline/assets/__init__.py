"""Every table: one folder per group, one file per table."""
