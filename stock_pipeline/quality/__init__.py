"""Rules that rows must hold."""
