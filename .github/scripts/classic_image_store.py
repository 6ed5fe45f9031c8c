"""Makes the runner's Docker keep images in its classic store, and checks that it does.

Usage: classic_image_store.py SETTINGS-FILE; what the file says otherwise stays.
"""

import json
import subprocess
import sys
from pathlib import Path


def main(path: str) -> None:
    """Ends with a message when Docker did not take the setting."""
    file = Path(path)
    # Not every runner has the file.
    settings = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    settings.setdefault("features", {})["containerd-snapshotter"] = False
    text = json.dumps(settings, indent=2)
    run("sudo", "tee", path, text=text)
    run("sudo", "systemctl", "restart", "docker")
    if "io.containerd.snapshotter" in run("docker", "info", "--format", "{{json .DriverStatus}}"):
        sys.exit("::error::Docker still keeps images in containerd's store")


def run(*command: str, text: str | None = None) -> str:
    """What the command prints; it must succeed."""
    return subprocess.run(  # noqa: S603 - the runner's own programs, without a shell
        command, input=text, text=True, check=True, stdout=subprocess.PIPE
    ).stdout


if __name__ == "__main__":
    main(*sys.argv[1:])
