"""The Compass Score: pure arithmetic, one file per axis."""
