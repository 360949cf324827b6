"""The people who have an account on every platform."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """One person; `number` is unique and is what platforms with numeric ids begin theirs from."""

    slug: str
    name: str
    about: str
    number: int

    @property
    def email(self) -> str:
        """An address that no mail reaches."""
        return f"{self.slug}@mail.example"

    @property
    def initial(self) -> str:
        """What stands for a picture."""
        return self.name[0]


ACCOUNTS = {
    account.slug: account
    for account in (
        Account("ada", "Ada Winter", "Up with the birds", 1),
        Account("grace", "Grace Okafor", "Awake at midnight", 2),
        Account("linus", "Linus Berg", "Out in the evening", 3),
        Account("margaret", "Margaret Silva", "Busy around noon", 4),
    )
}
DEFAULT_ACCOUNT = "ada"
