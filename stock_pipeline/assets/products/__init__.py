"""Bonds, and what banks and their like offer: one table file each."""
