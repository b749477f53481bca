"""What speed depends on: the machine, its libraries, and what else it does."""

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from polygist_client import Client

from bench.quality.environment import describe, read_commit
from bench.speed.sides import Setting, program_of

LIBRARIES = ("ctranslate2", "sentencepiece", "icu4py", "grpcio", "protobuf")
OF_QUALITY = ("libraries", "BLEU", "chrF", "ROUGE")
# What int8 is fast with.
INSTRUCTIONS = ("avx2", "avx512f", "avx_vnni", "avx512_vnni", "amx_int8")
THREAD_VARIABLES = ("OMP_", "MKL_", "CT2_", "MALLOC_")
GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
# A machine that does more than this beside the run gives no figures of ours.
MOST_LOAD = 0.2


def describe_run(client: Client, began: datetime) -> dict[str, str]:
    """What a report of speed has in common with one of quality."""
    described = describe(client, began, (datetime.now().astimezone() - began).total_seconds())
    return {name: value for name, value in described.items() if name not in OF_QUALITY}


def describe_machine(setting: Setting) -> dict[str, str]:
    """What speed depends on and quality does not."""
    flags, slots = set(Path("/proc/cpuinfo").read_text().split()), setting.layout.slots
    variables = [f"{name}={value}" for name, value in os.environ.items() if name.startswith(THREAD_VARIABLES)]
    return {
        "instructions": ", ".join(f"{name} {'yes' if name in flags else 'no'}" for name in INSTRUCTIONS),
        "threads": f"{slots} slots or inter_threads, 1 intra_thread; {' '.join(variables) or 'none set'}",
        "governor": GOVERNOR.read_text().strip() if GOVERNOR.exists() else "not known",
        "windows": f"{setting.seconds:g} s each after {setting.warm_up:g} s of warm-up",
        "libraries": read_libraries(Path(sys.executable)),
    }


def describe_other(checkout: Path) -> str:
    """Which version the other server is."""
    return f"commit {read_commit(checkout)}; {read_libraries(program_of(checkout).with_name('python'))}"


def read_libraries(python: Path) -> str:
    """The versions that an environment has."""
    program = "import sys; from importlib.metadata import version; print(*map(version, sys.argv[1:]))"
    done = subprocess.run([python, "-c", program, *LIBRARIES], capture_output=True, text=True, check=True)
    return ", ".join(map(" ".join, zip(LIBRARIES, done.stdout.split(), strict=True)))
