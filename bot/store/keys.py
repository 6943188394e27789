"""Every key of the store: its type, what is in it, and how long it lives.

The ledger of a provider, its conversations and the set of those that are due share a hash tag ({s00} to {s15}, by hash of the
provider), so that one script can touch them together on a cluster. Nothing else names a key, except the console: a chat like
any other, it keeps what it holds below `fogbell:{console}:` (see `bot.chats.console.client`).
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import blake2b

SHARDS = 16
SCHEMA = 1  # grows when an older Fogbell could not read what this one writes

CONVERSATION_TTL = timedelta(
    days=400
)  # after its last change, should nobody forget its incident: longer than feeds list one
FORGOTTEN_TTL = timedelta(
    days=1
)  # of a conversation whose incident was let go of: only what is in work may still read it
TOUCHED_FOR = timedelta(minutes=2)  # more than any fail-over loses; as `KEPT_MS` in lua/clock.lua
AUDIT_MAX_LINES = 20_000  # a stream, trimmed: about 10 MB

NUMBER = "fogbell:number"  # counter: the last incident number given out; no TTL, numbers are never reused
SCHEMA_KEY = "fogbell:schema"  # string: the schema that wrote here; no TTL. Its absence means an empty store
RESTORING = "fogbell:restoring"  # string: there while a restore is under way; no TTL, a worker refuses to start beside it
HOME = (
    "fogbell:home"  # string: the run ids of the servers that were last seen to take writes; no TTL, one of it
)
PROVIDERS = "fogbell:providers"  # set of ledger names; no TTL, bounded by the configuration
AUDIT = "fogbell:audit"  # stream of what was done, trimmed to AUDIT_MAX_LINES and `[rules] audit_for`
SILENCES = "fogbell:silences"  # hash id -> JSON; ended ones are removed when read
CHATS = "fogbell:chats"  # hash chat name -> JSON health; no TTL, bounded by the configuration
CHECKS = "fogbell:checks"  # hash check name -> JSON state; no TTL, bounded by the configuration
SOURCES = (
    "fogbell:sources"  # hash source name -> JSON report for `status`; no TTL, bounded by the configuration
)
MONITORS = (
    "fogbell:monitors"  # hash name -> JSON; no TTL: people add and remove them, `monitor` bounds how many
)
WEBSUB = "fogbell:websub"  # hash source name -> JSON subscription; no TTL, dropped with the source
CARRIED = "fogbell:carried"  # string: after an outage the last leader wrote here all that it did meanwhile. CARRIED_TTL
CARRIED_TTL = 10  # seconds: others look for it once a second, and it must be gone before the next outage
CHANGED = "fogbell:changed"  # a channel, not a key: a commit that makes something due is called out here
STANDBY = "fogbell:standby"  # hash, in a worker's own store only: `leader_at`, `away_since` (ISO). No TTL, two fields
MARKS = "fogbell:marks"  # hash source name -> JSON marks of the last body committed; no TTL, likewise


def shard(provider: str) -> int:
    """The shard of a provider, 0 to 15; the same on every machine and in every version."""
    return blake2b(provider.encode(), digest_size=2).digest()[0] % SHARDS


def tag(number: int) -> str:
    """The hash tag of a shard: "{s07}"."""
    return f"{{s{number:02d}}}"


def ledger(provider: str) -> str:
    """Hash: `revision` (only grows, never given twice), `s:<source>` first seen (ISO), `i:<incident>` JSON, `k:<key>`
    "<incident or nothing>|<day>".

    No TTL: it is bounded by what is open, plus what closed within `Rules.remember_for`.
    """
    return ledger_prefix(shard(provider)) + provider


def ledger_prefix(number: int) -> str:
    """What comes before a provider's name in the key of its ledger."""
    return f"fogbell:{tag(number)}:ledger:"


def conversation_prefix(number: int) -> str:
    """What comes before a member's name in the key of its conversation."""
    return f"fogbell:{tag(number)}:conversation:"


def conversation(provider: str, incident: str, channel: str) -> str:
    """Hash: `state` JSON, `attempt` JSON while a step is under way, `token` (fencing) and its `owner`, `settled` (the last
    token that was), `again` (ms), `urgent` ("1": first when many are due), `recheck` ("new", or the token of the claim that was
    told: the chat may hold more than this says).

    CONVERSATION_TTL, renewed by each settle; FORGOTTEN_TTL once the ledger lets go of the incident.
    """
    return conversation_prefix(shard(provider)) + member(provider, incident, channel)


def member(provider: str, incident: str, channel: str) -> str:
    """A conversation's name within the due and leased sets."""
    return f"{provider}|{incident}|{channel}"


def due(number: int) -> str:
    """Sorted set of members by due time (ms of the injected clock). No TTL: emptied by work."""
    return f"fogbell:{tag(number)}:due"


def leased(number: int) -> str:
    """Sorted set of members by end of lease (ms of the server's clock). No TTL: emptied by work."""
    return f"fogbell:{tag(number)}:leased"


def touched(number: int) -> str:
    """Sorted set of members by when they were last written to (ms of the server's clock). TOUCHED_FOR, and trimmed to it."""
    return f"fogbell:{tag(number)}:touched"


def silences_state(number: int) -> str:
    """String: another one whenever a person sets or ends a silence, the same in all shards. No TTL, one for each shard."""
    return f"fogbell:{tag(number)}:silences"


def fence(number: int) -> str:
    """String: the last fencing token of the shard, by the server's clock (µs). No TTL, tokens only grow."""
    return f"fogbell:{tag(number)}:fence"


def once(key: str) -> str:
    """String: a delivery that was carried out. Lives as long as its caller says."""
    return f"fogbell:once:{key}"


def lease(name: str) -> str:
    """String: the worker that holds the lease; expires with it."""
    return f"fogbell:lease:{name}"


def bucket(name: str) -> str:
    """Hash: tokens and time of a token bucket; expires when it would be full again."""
    return f"fogbell:bucket:{name}"
