"""A client finds a replica that is added to the name that it was given."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.deploy

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(os.geteuid() != 0, reason="another file of hosts needs a mount namespace, and that needs root")
def test_a_replica_that_is_added_is_called(tiny_home, tmp_path):
    script = [sys.executable, "-m", "tests.deploy.discovery", tmp_path, tiny_home]
    done = subprocess.run(["unshare", "--mount", *script], cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[1]) > 0
