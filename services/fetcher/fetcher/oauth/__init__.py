"""Access tokens for mailboxes with OAuth 2: asked for, renewed before they expire, and kept.

source, exchange ── endpoint ── HTTP
        └────────── grants (pure)
"""

from fetcher.oauth.endpoint import TokenEndpoint
from fetcher.oauth.exchange import answering_exchanges
from fetcher.oauth.grants import Issued, TokenFault, renewal_form
from fetcher.oauth.source import TokenSource

__all__ = ["Issued", "TokenEndpoint", "TokenFault", "TokenSource", "answering_exchanges", "renewal_form"]
