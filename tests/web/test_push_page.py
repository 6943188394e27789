"""docs/push.md is true: each command on it is run, by the tools that it names, and answers as shown there."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from bot.web.hooks import BODY_MAX_BYTES, PUSHES_MAX, READ_S, WORK_S, Hooks
from tests.fakes.store_fakes import FakeClock
from tests.web.conftest import MakeClient
from tests.web.test_hooks import SECRET, Intake

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "push.md").read_text(encoding="utf-8")
BLOCKS = [block for block in re.findall(r"^```sh\n(.*?)^```", PAGE, flags=re.M | re.S) if "curl" in block]

needs_curl = pytest.mark.skipif(
    not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl"
)


@needs_curl
@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
async def test_a_command_shown_answers_as_shown(
    make_client: MakeClient, clock: FakeClock, block: str
) -> None:
    intake = Intake(clock, secrets={"acme": SECRET, "aws-health": SECRET})
    client = await make_client(hooks=Hooks(pushes=intake, clock=clock))
    script = block.replace("127.0.0.1:8080", f"127.0.0.1:{client.port}").replace(
        "$ACME_PUSH\n", "$ACME_PUSH; echo\n"
    )
    script = script.replace("$AWS_PUSH\n", "$AWS_PUSH; echo\n").replace("/wrong\n", "/wrong; echo\n")

    said = await run(script)

    assert re.findall(r"^# (.+)$", block, flags=re.M) == said


async def run(script: str) -> list[str]:
    """What a shell script prints, line by line."""
    environ = {"PATH": os.environ["PATH"], "ACME_PUSH": SECRET, "AWS_PUSH": SECRET}
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", script, cwd=ROOT, env=environ, stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(20):
        printed, _ = await process.communicate()
    return printed.decode().splitlines()


def test_the_figures_shown_are_those_of_the_code() -> None:
    for words in (
        f"within {READ_S:g} s |",
        f"more than {BODY_MAX_BYTES // 1024} KiB,",
        f"more than {PUSHES_MAX} pushes",
    ):
        assert words in PAGE
    assert f"Fogbell takes {WORK_S:g} at most" in PAGE
