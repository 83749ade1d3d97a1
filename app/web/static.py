"""Static files under addresses that change with their content: they can be kept for ever."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

FOR_EVER = "public, max-age=31536000, immutable"
FOR_A_MINUTE = "public, max-age=60"
_HASH_CHARACTERS = 12


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """The files of a folder and the hash of each.

    Parameters
    ----------
    hashes : path within the folder to the first characters of the SHA-256 of its content.
    """

    folder: Path
    hashes: dict[str, str]

    @classmethod
    def scan(cls, folder: Path) -> StaticFiles:
        """Read every file once; what is added later is not served."""
        hashes = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                digest = hashlib.sha256(path.read_bytes()).hexdigest()
                hashes[path.relative_to(folder).as_posix()] = digest[:_HASH_CHARACTERS]
        return cls(folder, hashes)

    def url(self, path: str) -> str:
        """Address of a file.

        Raises
        ------
        KeyError : no such file, which is a mistake in a template.
        """
        return f"/static/{self.hashes[path]}/{path}"

    def find(self, pattern: str) -> str | None:
        """Address of the last file that matches, None where there is none."""
        found = sorted(
            path.relative_to(self.folder).as_posix() for path in self.folder.glob(pattern)
        )
        known = [path for path in found if path in self.hashes]
        return self.url(known[-1]) if known else None

    def serve(self, request: Request) -> Response:
        """The file; kept for ever under its own hash, for a minute under an old one.

        Notes
        -----
        While a new version is rolled out, a page of the new one may ask a server of the old one.
        """
        path = request.path_params["path"]
        current = self.hashes.get(path)
        # Only paths that were found at start-up are opened: nothing outside the folder can be.
        if current is None:
            raise HTTPException(404)
        kept = FOR_EVER if request.path_params["content_hash"] == current else FOR_A_MINUTE
        media_type = mimetypes.guess_type(path)[0]
        return FileResponse(
            self.folder / path, media_type=media_type, headers={"Cache-Control": kept}
        )
