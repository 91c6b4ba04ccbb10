"""What proves to OSS whose a domain is: the token of an account, and who is asked for it."""

import asyncio
from dataclasses import dataclass

from monitor.assembly.parts import (
    Surroundings,
    delegator_of,
    oss_inventories_of,
    panel_of,
    prober_of,
)
from monitor.config import Settings
from monitor.core.inventory import Failure
from monitor.core.names import DomainName
from monitor.core.ownership import CnameToken
from monitor.usecases.prove import Prove


class TokenUnavailable(Exception):
    """No account gives a token; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Ownership:
    """Tokens and proofs by the given settings."""

    settings: Settings
    around: Surroundings

    async def token(self, domain: DomainName, bucket: str) -> CnameToken:
        """Return the token of the account that has the bucket. Raises TokenUnavailable."""
        accounts = oss_inventories_of(self.settings, self.around)
        if not accounts:
            raise TokenUnavailable(
                "a token comes from the bucket's account: name it under [[accounts]] in a "
                "configuration given with -c"
            )
        found = await asyncio.gather(*(account.token(bucket, domain) for account in accounts))
        tokens = [one for one in found if isinstance(one, CnameToken)]
        if tokens:
            return tokens[0]
        failures = [
            f"{account.account}: {one.reason.value}: {one.detail}"
            for account, one in zip(accounts, found, strict=True)
            if isinstance(one, Failure)
        ]
        if failures:
            hint = "  hint: the key needs oss:ListBuckets, oss:GetCnameToken, oss:CreateCnameToken"
            raise TokenUnavailable("\n".join((*failures, hint)))
        names = ", ".join(account.account for account in accounts)
        raise TokenUnavailable(f"no account has a bucket {bucket!r} (asked: {names})")

    def prove(self) -> Prove:
        """Return who asks for the record. Raises NotAvailable."""
        clock = self.around.clock
        prober = prober_of(self.settings, clock)
        resolvers = panel_of(self.settings, prober).resolvers
        return Prove(prober, resolvers, delegator_of(self.settings, prober), clock)
