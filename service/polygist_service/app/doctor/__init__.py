"""``polygist-server doctor``: whether a server would do its work here, and what to do where it would not."""
