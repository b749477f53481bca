"""What needs Ray is not even read where Ray is not installed; `make ray-test` installs it."""

from importlib.util import find_spec

OF_RAY = ["test_job.py", "test_storage.py"]
collect_ignore = [] if find_spec("ray") else OF_RAY
