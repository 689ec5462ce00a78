"""Passwords: Argon2id, and what a password has to be."""

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

SHORTEST = 12
_LONGEST = 256
_AT_ONCE = 2
_USUAL = ("password", "passwort", "qwertyuiop", "1234567890", "letmein", "appliance", "abcdefgh")
_WORDS = "abcdefghjkmnpqrstuvwxyz23456789"


class Passwords:
    """Makes and checks hashes.

    Argon2 takes time and memory on purpose (RFC 9106's second choice: 64 MiB, 3 passes), so only
    two run at once: a burst of sign-ins must not take the machine from the calls. It blocks; call
    it on a thread.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher(time_cost=3, memory_cost=65536, parallelism=2)
        self._slots = threading.BoundedSemaphore(_AT_ONCE)
        # For accounts that are not there: refusing them takes as long as refusing a password.
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """What is kept of a password."""
        with self._slots:
            return self._hasher.hash(password)

    def verify(self, kept: str | None, password: str) -> bool:
        """Whether it is the password; ``kept`` None stands for nobody's."""
        with self._slots:
            try:
                self._hasher.verify(kept or self._nobody, password[: 4 * _LONGEST])
            except (VerifyMismatchError, VerificationError, InvalidHashError):
                return False
        return kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(kept)


def fault_of(password: str, email: str = "", name: str = "") -> str:
    """What is wrong with a new password, in words; empty when nothing is."""
    if len(password) < SHORTEST:
        return f"Use {SHORTEST} characters or more; several words make a good password."
    if len(password) > _LONGEST:
        return f"Use {_LONGEST} characters at most."
    plain = password.casefold()
    parts = [email.split("@")[0].casefold(), *name.casefold().split(), *_USUAL]
    for part in parts:
        if len(part) > 3 and part in plain and len(plain) - len(part) < SHORTEST // 2:
            return "This is too easy to guess; use several words that do not belong together."
    if len(set(plain)) < 5:
        return "This repeats too few characters; use several words."
    return ""


def generated() -> str:
    """A new password of four groups of five characters that are told apart when read aloud."""
    groups = ("".join(secrets.choice(_WORDS) for _ in range(5)) for _ in range(4))
    return "-".join(groups)
