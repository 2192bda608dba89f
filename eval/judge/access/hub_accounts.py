"""Which accounts of the Hugging Face Hub may judge: by name, or by organisation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from eval.judge.study.names import clean_name


class HubAccounts:
    """Who may log in with an account of the Hub. Names of the Hub differ in more than case."""

    def __init__(self, users: Iterable[str], orgs: Iterable[str] = ()) -> None:
        self._users = {user.casefold() for user in users}
        self._orgs = {org.casefold() for org in orgs}
        #: Who logged in as a member of an organisation since this server started.
        self._members: set[str] = set()

    def admit(self, info: Mapping[str, Any]) -> str:
        """The name under which this account judges, or "" where it may not. `info` is what the Hub says of it
        (OpenID's userinfo)."""
        name, problem = clean_name(str(info.get("preferred_username") or ""))
        if problem is not None:
            return ""
        if self._is_member(info.get("orgs")):
            self._members.add(name.casefold())
        return name if self.fingerprint(name) else ""

    def check(self, name: str, password: str) -> bool:
        """No password opens an account of the Hub here."""
        return False

    def fingerprint(self, name: str) -> str:
        return "hub" if name.casefold() in self._users | self._members else ""

    def _is_member(self, orgs: object) -> bool:
        """Whether one of the organisations counts; one whose own rules (SSO, a second factor) are not met does not."""
        met = (org for org in orgs if not org.get("securityRestrictions")) if isinstance(orgs, list) else ()
        return any(str(org.get("preferred_username") or "").casefold() in self._orgs for org in met)
