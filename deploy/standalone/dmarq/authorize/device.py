"""The device code grant (RFC 8628): a short code is entered in any browser, and asked after until it was."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from fetcher.oauth import Issued, TokenEndpoint, TokenFault
from fetcher.oauth.grants import Form, read_answer, read_issued
from pipeline.contracts.connection_test import Category
from pipeline.contracts.oauth import OAuthSettings

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_INTERVAL_S = 5.0  # RFC 8628 section 3.2
SLOWER_BY_S = 5.0  # section 3.5
MAX_WAIT_S = 1800.0
MAX_FAILURES = 6  # in a row, each waited for twice as long as the one before
MAX_INTERVAL_S = 60.0
FOREVER_S = 1e9  # what is longer is no answer


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person enters (`user_code`) and where (`uri`). `interval_s`: between our questions."""

    user_code: str
    uri: str
    lasts_s: float
    interval_s: float
    code: str = field(repr=False)

    @classmethod
    def of(cls, answer: Mapping[str, object]) -> Self:
        """From the answer of the device endpoint. Raises TokenFault when it lacks something."""
        uri = answer.get("verification_uri") or answer.get("verification_url")  # Google's name
        words = (answer.get("user_code"), uri, answer.get("device_code"))
        if not all(isinstance(word, str) and word.isprintable() for word in words):
            raise TokenFault(Category.CONNECTIVITY, "the provider's answer holds no device code: check the endpoint")
        user_code, place, code = map(str, words)
        lasts_s = min(_seconds(answer.get("expires_in"), MAX_WAIT_S), MAX_WAIT_S)
        interval_s = min(_seconds(answer.get("interval"), DEFAULT_INTERVAL_S), MAX_INTERVAL_S)
        return cls(user_code, place, lasts_s, interval_s, code)


async def by_device_code(
    oauth: OAuthSettings, *, client_secret: str, endpoint: TokenEndpoint, tell: Callable[[DeviceCode], None]
) -> Issued:
    """The tokens, once a person has entered the code that `tell` is given. Raises TokenFault."""
    form = {"client_id": oauth.client_id, "scope": oauth.scopes}
    code = DeviceCode.of(read_answer(*await endpoint.ask(oauth.device_url, _filled(form))))
    tell(code)
    asking = {"grant_type": GRANT, "device_code": code.code, "client_id": oauth.client_id}
    try:
        async with asyncio.timeout(code.lasts_s):
            return await _asked(oauth, _filled(asking | {"client_secret": client_secret}), code, endpoint)
    except TimeoutError as error:
        raise TokenFault(Category.AUTH_EXPIRED, "the code was not entered in time: start again") from error


async def _asked(oauth: OAuthSettings, form: Form, code: DeviceCode, endpoint: TokenEndpoint) -> Issued:
    interval_s, failures = code.interval_s, 0
    while True:
        await asyncio.sleep(interval_s)
        try:
            return read_issued(*await endpoint.ask(oauth.token_url, form))
        except TokenFault as fault:
            if fault.code in ("authorization_pending", "slow_down"):
                interval_s += SLOWER_BY_S if fault.code == "slow_down" else 0
                failures = 0
                continue
            failures += 1
            if failures > MAX_FAILURES or not _may_pass(fault):
                raise
            interval_s = min(2 * interval_s, MAX_INTERVAL_S)


def _may_pass(fault: TokenFault) -> bool:
    """Whether the provider was not reached or has trouble of its own, which says nothing about the sign-in."""
    of_its_own = fault.code in ("", "server_error", "temporarily_unavailable")
    return of_its_own and fault.category in (Category.TIMEOUT, Category.CONNECTIVITY, Category.THROTTLED)


def _seconds(value: object, default: float) -> float:
    return float(value) if isinstance(value, int | float) and 0 < value < FOREVER_S else default


def _filled(form: Form) -> Form:
    return {name: value for name, value in form.items() if value}
