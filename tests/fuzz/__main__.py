"""Look for bytes that a parser fails on, led by what of its code they reach: ``python -m tests.fuzz SECONDS [NAME…]``.

Each parser runs in a process of its own, so many seconds long. What one fails on is written to .fuzz/NAME, and its
input is what a test of it needs; what was found on the way is kept there, and is where the next run begins.
"""

import subprocess
import sys
from pathlib import Path

import atheris

FOUND = Path(__file__).parents[2] / ".fuzz"
INPUT_SECONDS, MEGABYTES, LONGEST = 20, 3000, 8192


def run_parser(name: str, arguments: list[str]) -> None:
    """Try inputs until the time is over; ends the process at the first that fails."""
    with atheris.instrument_imports(include=["polygist_service", "tarfile", "csv", "tomllib", "json", "zipfile"]):
        from tests.fuzz.parsers import PARSERS
    for at, seed in enumerate(PARSERS[name].seeds):
        (FOUND / name / f"seed-{at}").write_bytes(seed)
    atheris.Setup([f"fuzz {name}", *arguments], PARSERS[name].read)
    atheris.Fuzz()


def start(name: str, seconds: int) -> bool:
    """Run one parser in its process; returns whether nothing was found."""
    corpus = FOUND / name
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEGABYTES}"]
    options = [f"-max_len={LONGEST}", f"-artifact_prefix={FOUND}/{name}-", "-print_final_stats=1", "-verbosity=0"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--only", name, *limits, *options, str(corpus)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = dict(line.removeprefix("stat::").split(":", 1) for line in done.stderr.splitlines() if line[:6] == "stat::")
    tried, peak = said.get("number_of_executed_units", "?").strip(), said.get("peak_rss_mb", "?").strip()
    print(f"{name:12}{tried:>10} inputs  {peak:>6} MB  {'failed' if done.returncode else 'nothing found'}", flush=True)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-6000:], sep="\n", file=sys.stderr, flush=True)
    return not done.returncode


def main(arguments: list[str]) -> int:
    """Run what is asked for; returns the exit code."""
    if arguments[0] == "--only":
        run_parser(arguments[1], arguments[2:])
        return 0
    seconds, *names = arguments
    from tests.fuzz.parsers import PARSERS

    return 0 if all([start(name, int(seconds)) for name in names or PARSERS]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
