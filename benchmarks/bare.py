"""The baseline: nothing but aiohttp asking for the same pages at the same pace, on kept connections. A process of its own.

It knows no schedule but a coroutine for each page, keeps the last ETag, and throws every body away.
"""

from __future__ import annotations

import argparse
import asyncio
import random

import aiohttp
import uvloop


async def main(urls: list[str], every: float) -> None:
    """Poll until killed."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=150, ttl_dns_cache=300)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as tasks:
        for number, url in enumerate(urls):
            tasks.create_task(_poll(session, url, every, first=every * number / len(urls)))


async def _poll(session: aiohttp.ClientSession, url: str, every: float, *, first: float) -> None:
    etag = ""
    loop = asyncio.get_running_loop()
    due = loop.time() + first
    while True:
        await asyncio.sleep(due - loop.time())
        async with session.get(url, headers={"If-None-Match": etag} if etag else None) as response:
            await response.read()
            etag = response.headers.get("ETag", "")
        due += every * random.uniform(0.9, 1.1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url", help="with {n} for the page's number")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--every", type=float, required=True)
    asked = parser.parse_args()
    uvloop.run(main([asked.url.format(n=n) for n in range(asked.count)], asked.every))
