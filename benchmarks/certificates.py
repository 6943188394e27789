"""A certificate authority for one run, made by `openssl`: the world serves HTTPS with it, the subjects trust it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

DOMAIN = (
    "bench.localhost"  # resolvers send every name below `localhost` to this machine, without asking anybody
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """Files in PEM: what clients trust, and what the server shows."""

    authority: Path
    chain: Path
    key: Path


def make(folder: Path) -> Certificates:
    """An authority and one certificate for every host name below DOMAIN, and for 127.0.0.1."""
    made = Certificates(authority=folder / "ca.pem", chain=folder / "host.pem", key=folder / "host.key")
    names = folder / "names.txt"
    names.write_text(f"subjectAltName=DNS:*.{DOMAIN},DNS:{DOMAIN},IP:127.0.0.1\n")
    ca_key, request = folder / "ca.key", folder / "host.csr"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(
        "req", "-x509", *curve, "-subj", "/CN=bench", "-days", "2", "-keyout", ca_key, "-out", made.authority
    )
    _openssl("req", *curve, "-subj", f"/CN={DOMAIN}", "-keyout", made.key, "-out", request)
    signing: list[str | Path] = [
        "-CA",
        made.authority,
        "-CAkey",
        ca_key,
        "-CAcreateserial",
        "-days",
        "2",
        "-extfile",
        names,
    ]
    _openssl("x509", "-req", "-in", request, *signing, "-out", made.chain)
    return made


def _openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, timeout=30)
