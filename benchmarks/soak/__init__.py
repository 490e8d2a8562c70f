"""A year of sessions in minutes: faults, kills and outages, and afterwards nothing is missing.

    python -m benchmarks.soak [--sessions 250] [--seed 7]

One long-lived process plays the daemon: it asks what the schedules ask at their hours, runs the gap
healer's plan, sends alerts, and never waits, because its clock moves by itself. Some runs are given
to a process that is killed in the middle of its work, some days nobody is there at all. Every tenth
request fails. A second database is filled from the same world in peace; both must hold the same.
"""
