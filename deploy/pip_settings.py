"""Print this machine's pip settings as one configuration file, for a build that should reach the same index."""

import subprocess
import sys

INDEX = {"index-url", "extra-index-url", "proxy", "trusted-host", "timeout", "default-timeout", "retries"}


def read_settings() -> dict[str, str]:
    """What pip itself finds in its files and variables, the variables winning; only what leads to the index."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    rows = sorted(
        (row.partition("=") for row in listing.stdout.splitlines()), key=lambda row: row[0].startswith(":env:")
    )
    found = {name.rpartition(".")[2]: value.strip("'\"") for name, _, value in rows}
    # Folders of this machine are not inside the build.
    return {name: value for name, value in found.items() if name in INDEX and "file:" not in value}


def main() -> None:
    """Write the file to standard output; the certificates are where the build mounts them."""
    print("[global]", *(f"{name} = {value}" for name, value in read_settings().items()), sep="\n")
    print("cert = /run/secrets/ca")


if __name__ == "__main__":
    main()
