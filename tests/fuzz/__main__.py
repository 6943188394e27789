"""Fuzzing led by coverage: `python -m tests.fuzz statuspage -max_total_time=300`, with atheris installed.

The name is one of `targets.TARGETS`, and all else goes to libFuzzer. What it learns and breaks stays in a folder that is
named at the start; `python -m tests.fuzz statuspage PATH/crash-...` runs one body again.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from pathlib import Path


def main(name: str, options: list[str]) -> None:
    """Fuzz one target until libFuzzer's options end it."""
    try:
        import atheris
    except ImportError:
        raise SystemExit("atheris is not installed: pip install atheris (Linux and macOS)") from None

    with atheris.instrument_imports(include=["bot"]):
        from tests.fuzz.targets import TARGETS
    if name not in TARGETS:
        raise SystemExit(f"no target of the name {name!r}; there are {', '.join(TARGETS)}")
    target = TARGETS[name]

    def change(data: bytes, max_size: int, seed: int) -> bytes:
        dice = random.Random(seed)
        changed = target.change(data, dice) if dice.random() < 0.7 else atheris.Mutate(data, max_size)
        return bytes(changed[:max_size])

    folder = Path(tempfile.gettempdir()) / f"fogbell-fuzz-{os.getuid()}" / name
    learnt = folder / "learnt"
    learnt.mkdir(parents=True, exist_ok=True)
    for seed in target.seeds:
        shutil.copyfile(seed, learnt / f"{seed.parent.name}-{seed.name}")
    print(f"in {folder}", flush=True)
    bounds = ["-max_len=20000", "-timeout=5", "-rss_limit_mb=1024", f"-artifact_prefix={folder}/"]
    bodies = [] if any(not option.startswith("-") for option in options) else [str(learnt)]
    atheris.Setup([name, *bounds, *options, *bodies], target.run, custom_mutator=change)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "", sys.argv[2:])
