"""Fetch the front-end packages and put what pages load into static/vendor.

Usage: python .ci/vendor.py [--dev]      (--dev: what only tests need, too)

Uses the system's npm where its Node is recent enough, else the one of a Python package that is
installed into the environment of this interpreter. package-lock.json pins every file by its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
NODE_AT_LEAST = (24, 8)


def system_npm() -> list[str] | None:
    """The npm on the path, if its Node is recent enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.(\d+)\.", said.stdout)
    if version is None or tuple(map(int, version.groups())) < NODE_AT_LEAST:
        return None
    return [npm]


def packaged_npm() -> list[str]:
    """The npm of requirements/frontend.txt, installed here if it is not yet."""
    npm = Path(sysconfig.get_path("scripts")) / "npm"
    if not npm.exists():
        print("Installing Node.js, which the system lacks in a recent version", flush=True)
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet"),
                *("--disable-pip-version-check", "--require-hashes"),
                *("-r", ROOT / "requirements" / "frontend.txt"),
            ],
            check=True,
        )
    return [str(npm)]


def copy_htmx() -> None:
    """Put htmx and its licence into static/vendor, under names that change with the version."""
    package = ROOT / "node_modules" / "htmx.org"
    version = json.loads((package / "package.json").read_text())["version"]
    content = (package / "dist" / "htmx.min.js").read_bytes()
    shutil.rmtree(VENDOR, ignore_errors=True)
    VENDOR.mkdir(parents=True)
    name = f"htmx-{version}.min.js"
    (VENDOR / name).write_bytes(content)
    shutil.copyfile(package / "LICENSE", VENDOR / "htmx.LICENSE.txt")
    # Last: its presence says that the folder is complete.
    (VENDOR / "README").write_text(
        "Made by .ci/vendor.py from the packages that package-lock.json pins.\n\n"
        f"{name}\n"
        f"  package  htmx.org {version}, dist/htmx.min.js\n"
        f"  sha256   {hashlib.sha256(content).hexdigest()}\n"
        "  licence  htmx.LICENSE.txt\n"
    )
    print(f"static/vendor/{name}: {len(content):,} bytes", flush=True)


def main() -> None:
    """Install, then copy."""
    omit = [] if "--dev" in sys.argv[1:] else ["--omit=dev"]
    npm = system_npm() or packaged_npm()
    # npm's own script looks for `node` on the path.
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", os.defpath)])
    subprocess.run(
        [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", *omit],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        check=True,
    )
    copy_htmx()


if __name__ == "__main__":
    main()
