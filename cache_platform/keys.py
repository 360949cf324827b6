"""Names in the store: entry keys, lease keys and tag keys, from typed parameters.

An entry key reads `<prefix>:<policy>:<parameters>:<fingerprint>` in redis-cli, as in
`cp:weather.current:lat=52.52,lon=13.41:1f0c2b7e`. Parameter values are percent-encoded (RFC 3986), so no value can
reach into another part of the key, a glob or a cluster hash tag. Secret and long values stand as `!` and an HMAC.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote
from uuid import UUID

from cache_platform.conf import conf
from cache_platform.exceptions import ParameterError

LONGEST_PART = 80
LONGEST_TAG = 200
PARAMETER_TYPES: tuple[type, ...] = (str, int, float, bool, UUID, date)
TAG = re.compile(r"[a-z][a-z0-9_.]*(:[A-Za-z0-9_.\-~%!]*)*")

EVERYTHING = "all"
"""The tag that every entry carries: bumping it invalidates everything."""


def policy_tag(policy_name: str) -> str:
    """The tag that every entry of a policy carries."""
    return f"policy:{policy_name}"


def canonical(name: str, value: object, kind: type) -> str:
    """`value` as text, the same for equal values. Raises ParameterError for the wrong type, NaN and infinities."""
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise ParameterError(f"{name} must be {kind.__name__}, not {type(value).__name__}")
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ParameterError(f"{name} must be a finite number")
        return repr(value + 0.0)  # -0.0 and 0.0 are one key
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ParameterError(f"{name} must not contain lone surrogates") from None
    return text


def part(text: str, *, secret: bool = False, purpose: str = "") -> str:
    """`text` as one part of a key; an HMAC of it where it is secret or long. `purpose` keeps HMACs of the same
    text in different places apart."""
    if not secret and len(shown := quote(text, safe="")) <= LONGEST_PART:
        return shown
    message = f"{purpose}\0{text}".encode("utf-8", "surrogatepass")  # who is limited may be called anything
    return "!" + hmac.new(conf.secret, message, hashlib.sha256).hexdigest()[:32]


def parts(
    policy_name: str, declared: Mapping[str, type], secret: Iterable[str], params: Mapping[str, Any]
) -> dict[str, str]:
    """Each declared parameter's part of the key. Raises ParameterError for missing, unknown and wrong ones."""
    if params.keys() != declared.keys():
        missing, unknown = sorted(declared.keys() - params.keys()), sorted(params.keys() - declared.keys())
        raise ParameterError(f"{policy_name}: missing parameters {missing}, unknown parameters {unknown}")
    texts = {name: canonical(name, params[name], kind) for name, kind in declared.items()}
    others = ",".join(f"{name}={quote(text, safe='')}" for name, text in texts.items() if name not in secret)
    return {
        name: part(text, secret=True, purpose=f"{policy_name}.{name} {others}")  # one's secret is not another's
        if name in secret
        else part(text, purpose=f"{policy_name}.{name}")
        for name, text in texts.items()
    }


def entry_key(policy_name: str, fingerprint: str, shown: Mapping[str, str]) -> str:
    """The key of an entry, from the parts of its parameters."""
    text = ",".join(f"{name}={value}" for name, value in shown.items()) or "-"
    return f"{conf.prefix}:{policy_name}:{text}:{fingerprint}"


def lease_key(key: str) -> str:
    """The key of an entry's lease. The braces put it into the entry's own slot of a Redis Cluster."""
    return f"{conf.prefix}:lease:{{{key}}}"


def is_tag(tag: str) -> bool:
    """Whether `tag` has the form of one."""
    return len(tag) <= LONGEST_TAG and TAG.fullmatch(tag) is not None


def tag_key(tag: str) -> str:
    """The key that holds a tag's generation and holders. Raises ParameterError for a tag that is not one."""
    if not is_tag(tag):
        raise ParameterError(f"not a tag: {tag[:40]!r}; write it as in user:42 or policy:weather.current")
    return f"{conf.prefix}:tag:{tag}"


def epoch_key() -> str:
    """The key of the epoch."""
    return f"{conf.prefix}:epoch"


def mark_key() -> str:
    """The key of the mark that a look at the outbox leaves; the scripts make it of the epoch's."""
    return f"{conf.prefix}:looked"


def budget_key(policy_name: str, window: float, who: str) -> str:
    """The key of a load budget's log; `who` is hashed, since it may be an address or a token."""
    return f"{conf.prefix}:budget:{policy_name}:{window:g}:{part(who, secret=True, purpose='budget')}"


def limit_key(kind: str, window: float, who: Sequence[str]) -> str:
    """The key of a rate limit's log: an HMAC of `who`, each part with its length before it, so that no two lists of
    parts give the same text, whatever a client has put into them. `kind` and `window` are readable; a log is of one
    window, because the shorter of two would forget what the longer one counts."""
    text = "".join(f"{len(each)}:{each}" for each in who)
    return f"{conf.prefix}:limit:{kind}:{window:g}:{part(text, secret=True, purpose=f'limit:{kind}')}"


def digest(tags: Iterable[str]) -> str:
    """A short digest of a tag list, by which a reader sees that an entry was stored under the same list."""
    return hashlib.blake2b("\n".join(tags).encode(), digest_size=4).hexdigest()


def escape_glob(text: str) -> str:
    """`text` with the characters that SCAN's MATCH gives a meaning to taken literally."""
    return re.sub(r"([*?\[\]^\\])", r"\\\1", text)
