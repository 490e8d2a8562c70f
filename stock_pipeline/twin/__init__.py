"""Every upstream, played on the wire from one seeded market."""
