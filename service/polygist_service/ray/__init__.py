"""Ray Serve: the same servicers in replicas of a cluster, and what passes calls on to them at its proxies."""
