"""Codes and tokens in SQLite: in memory, or in a file that outlives the process. Only their digests are kept."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sandbox.oauth.records import Code, Grant, Kind, Token

FILE_NAME = "oauth.sqlite3"
IN_MEMORY = ":memory:"
SCHEMA = """
CREATE TABLE IF NOT EXISTS code (
    digest TEXT PRIMARY KEY, platform TEXT NOT NULL, account TEXT NOT NULL, scope TEXT NOT NULL, family TEXT NOT NULL,
    redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL, offline INTEGER NOT NULL,
    expires_at REAL NOT NULL, used INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS token (
    digest TEXT PRIMARY KEY, kind TEXT NOT NULL, platform TEXT NOT NULL, account TEXT NOT NULL, scope TEXT NOT NULL,
    family TEXT NOT NULL, expires_at REAL, used INTEGER NOT NULL DEFAULT 0, revoked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS token_family ON token (family);
"""


class StateError(Exception):
    """The folder for the state cannot be used; the text is one line for the operator."""


class Store:
    """The codes and tokens of all platforms. `folder` None keeps them in memory."""

    def __init__(self, folder: Path | None = None) -> None:
        """Raises StateError if `folder` cannot be written, or another sandbox uses it."""
        try:
            path = IN_MEMORY if folder is None else _private_file(folder)
            self._db = sqlite3.connect(path, timeout=1.0, isolation_level=None)
            with closed_on_failure(self._db):
                # One process at a time; a killed one leaves no lock, and what it committed is there.
                for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL"):
                    self._db.execute(f"PRAGMA {pragma}")
                with self.transaction():
                    for statement in filter(str.strip, SCHEMA.split(";")):
                        self._db.execute(statement)
        except (OSError, sqlite3.Error) as error:
            raise StateError(f"cannot keep the state in {folder}: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or, on an exception, nothing."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def add_code(self, text: str, code: Code) -> None:
        """Keep a code that was just issued."""
        grant = code.grant
        self._db.execute(
            "INSERT INTO code (digest, platform, account, scope, family, redirect_uri, challenge, offline, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(digest(text), grant.platform, grant.account, grant.scope, grant.family),
                *(code.redirect_uri, code.code_challenge, code.offline, code.expires_at),
            ),
        )

    def find_code(self, platform: str, text: str) -> Code | None:
        """Return the code, used and old ones too; None if `platform` never issued it."""
        row = self._db.execute(
            "SELECT digest, account, scope, family, redirect_uri, challenge, offline, expires_at, used FROM code"
            " WHERE digest = ? AND platform = ?",
            (digest(text), platform),
        ).fetchone()
        if row is None:
            return None
        return Code(
            digest=row[0],
            grant=Grant(platform=platform, account=row[1], scope=row[2], family=row[3]),
            redirect_uri=row[4],
            code_challenge=row[5],
            offline=bool(row[6]),
            expires_at=row[7],
            used=bool(row[8]),
        )

    def use_code(self, code: Code) -> None:
        """Mark a code as used."""
        self._db.execute("UPDATE code SET used = 1 WHERE digest = ?", (code.digest,))

    def add_token(self, text: str, kind: Kind, grant: Grant, *, expires_at: float | None = None) -> None:
        """Keep a token that was just issued."""
        self._db.execute(
            "INSERT INTO token (digest, kind, platform, account, scope, family, expires_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (digest(text), kind, grant.platform, grant.account, grant.scope, grant.family, expires_at),
        )

    def find_token(self, platform: str, text: str, *kinds: Kind) -> Token | None:
        """Return the token, used, revoked and old ones too; None if `platform` never issued one of these kinds."""
        row = self._db.execute(
            "SELECT digest, kind, account, scope, family, expires_at, used, revoked FROM token"
            " WHERE digest = ? AND platform = ?",
            (digest(text), platform),
        ).fetchone()
        if row is None or row[1] not in kinds:
            return None
        return Token(
            digest=row[0],
            kind=row[1],
            grant=Grant(platform=platform, account=row[2], scope=row[3], family=row[4]),
            expires_at=row[5],
            used=bool(row[6]),
            revoked=bool(row[7]),
        )

    def use_token(self, token: Token) -> None:
        """Mark a refresh token as used: another has taken its place."""
        self._db.execute("UPDATE token SET used = 1 WHERE digest = ?", (token.digest,))

    def revoke_family(self, family: str) -> None:
        """Revoke all tokens that came of one consent."""
        self._db.execute("UPDATE token SET revoked = 1 WHERE family = ?", (family,))

    def revoke_all(self) -> None:
        """Revoke every token."""
        self._db.execute("UPDATE token SET revoked = 1")

    def expire_all(self, now: float) -> None:
        """End the life of every access token at Unix time `now`."""
        self._db.execute(
            "UPDATE token SET expires_at = ? WHERE kind = 'access' AND (expires_at IS NULL OR expires_at > ?)",
            (now, now),
        )

    def counts(self, now: float) -> dict[str, int]:
        """Return how many codes, access tokens and refresh tokens would be accepted at Unix time `now`."""
        row = self._db.execute(
            "SELECT (SELECT count(*) FROM code WHERE NOT used AND expires_at > :now),"
            " (SELECT count(*) FROM token WHERE kind = 'access' AND NOT revoked"
            "  AND (expires_at IS NULL OR expires_at > :now)),"
            " (SELECT count(*) FROM token WHERE kind = 'refresh' AND NOT revoked AND NOT used)",
            {"now": now},
        ).fetchone()
        return {"codes": row[0], "access_tokens": row[1], "refresh_tokens": row[2]}


def digest(text: str) -> str:
    """Return the SHA-256 of a code or token: they are random, so no salt is needed."""
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


@contextmanager
def closed_on_failure(db: sqlite3.Connection) -> Iterator[None]:
    """Close `db` if the block fails."""
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            db.close()
        raise


def _private_file(folder: Path) -> str:
    """Return the path of a file of mode 0600, made before SQLite could make a readable one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE_NAME
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    return str(path)
