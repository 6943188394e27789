"""The straw man: poll, parse, write, read, post, in one process and without guarantees. Nobody should run it.

It has no leases, no order, no look-up after a lost reply, no second worker, no pace, no threads, and it forgets what it could
not post. What Fogbell costs more than this is what its promises cost.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
from typing import Any

import aiohttp
import redis.asyncio as aioredis
import uvloop

_LIBRARY = """#!lua name=straw
redis.register_function('straw_upsert', function(keys, args)
  if redis.call('HGET', keys[1], args[1]) == args[2] then
    return 0
  end
  redis.call('HSET', keys[1], args[1], args[2])
  redis.call('XADD', keys[2], '*', 'channel', args[3], 'text', args[4])
  return 1
end)
"""


class Strawman:
    """Its two halves, joined by a stream."""

    def __init__(self, session: aiohttp.ClientSession, store: aioredis.Redis, api: str) -> None:
        self._session, self._store, self._api = session, store, api
        self._hashes: dict[int, bytes] = {}
        self._seen: dict[str, str] = {}

    async def poll(self, number: int, url: str, every: float) -> None:
        """Ask for a page until killed."""
        etag = ""
        await asyncio.sleep(random.uniform(0, every))
        while True:
            async with self._session.get(url, headers={"If-None-Match": etag} if etag else None) as response:
                body = await response.read()
                etag = response.headers.get("ETag", etag)
            if response.status == 200:
                await self._take(number, body)
            await asyncio.sleep(every * random.uniform(0.9, 1.1))

    async def _take(self, number: int, body: bytes) -> None:
        digest = hashlib.blake2b(body, digest_size=16).digest()
        if self._hashes.get(number) == digest:
            return
        for incident in json.loads(body)["incidents"]:
            for update in incident["incident_updates"]:
                await self._upsert(number, incident, update)
        self._hashes[number] = digest

    async def _upsert(self, number: int, incident: dict[str, Any], update: dict[str, Any]) -> None:
        if self._seen.get(update["id"]) == update["updated_at"]:
            return
        text = f"*{incident['name']}* ({incident['impact']})\n{update['status']}: {update['body']}"
        await self._store.fcall(
            "straw_upsert", 2, "seen", "out", update["id"], update["updated_at"], f"C{number}", text
        )
        self._seen[update["id"]] = update["updated_at"]

    async def deliver(self) -> None:
        """Post what the stream holds, until killed."""
        while True:
            found: Any = await self._store.xreadgroup("all", "one", {"out": ">"}, count=100, block=2000)
            for _, entries in found or ():
                for entry, fields in entries:
                    body = {"channel": fields[b"channel"].decode(), "text": fields[b"text"].decode()}
                    async with self._session.post(f"{self._api}chat.postMessage", json=body) as response:
                        await response.read()
                    await self._store.xack("out", "all", entry)


async def main(asked: argparse.Namespace) -> None:
    """Run until killed."""
    store = aioredis.Redis(unix_socket_path=asked.socket, socket_timeout=None)
    await store.function_load(_LIBRARY, replace=True)
    await store.xgroup_create("out", "all", mkstream=True)
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=150)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
        straw = Strawman(session, store, asked.api)
        for number in range(asked.count):
            tasks.create_task(straw.poll(number, asked.url.format(n=number), asked.every))
        tasks.create_task(straw.deliver())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url", help="with {n} for the page's number")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--every", type=float, required=True)
    parser.add_argument("--socket", required=True)
    parser.add_argument("--api", required=True)
    uvloop.run(main(parser.parse_args()))
