"""Keeping the last body of a source that made no sense, so that it can be looked at and replayed: files below the data folder.

One folder for each source with one file in it, named as `fogbell replay` wants it; `fogbell parse` reads the file too.
"""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from bot.sources.payload import Payload

_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")
_ENDINGS = {b"{": "json", b"[": "json", b"<": "xml"}


class Quarantine:
    """A folder of bodies; None keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    async def keep(self, source: str, payload: Payload) -> Path | None:
        """Write the body; gives where, or None when it could not be written: a full disk must not stop the watching."""
        if self._folder is None:
            return None
        ending = _ENDINGS.get(payload.body.lstrip()[:1], "body")
        name = f"001-{payload.fetched_at:%Y%m%dT%H%M%SZ}.{ending}"
        path = self._folder / _folder_name(source) / name
        try:
            await asyncio.to_thread(_write, path, payload.body)
        except OSError:
            return None
        return path


def _folder_name(source: str) -> str:
    """The source's name where it can be a folder's, else something like it that no other source gets."""
    if _PLAIN.fullmatch(source):
        return source
    digest = blake2b(source.encode(errors="replace"), digest_size=4).hexdigest()
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', source)[:60]}-{digest}"


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)  # it may come from a private feed
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(body)
    for older in path.parent.iterdir():
        if older != unfinished:
            with suppress(OSError):
                older.unlink()
    unfinished.replace(path)
