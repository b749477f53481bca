"""``polygist-server bench``: how fast the installed models are on this machine, and which settings to set."""
