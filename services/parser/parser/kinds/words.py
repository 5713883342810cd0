"""The vocabularies of the reports: which words exist, and which word another one stands for.

Sources: RFC 7489 appendix C, RFC 9990, RFC 8460 and RFC 8601. What the specifications do not know but reporters write
("hardfail", "unknown", "invalid") is mapped to the word it stands for; RFC 7489's own schema says that "unknown" is a
common name for temperror and "error" for permerror.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from pipeline.contracts.repairs import Repair


class Vocabulary:
    """A closed set of words and the other words that stand for them.

    `known` maps each word to itself: a look-up there is the fast path. `empty` is the word for an absent value and
    `unknown` the one for a value nobody knows; None means that there is no such word.
    """

    def __init__(
        self,
        words: Iterable[str],
        *,
        aliases: Mapping[str, str] | None = None,
        empty: str | None = None,
        unknown: str | None = None,
    ) -> None:
        self.known: Final = {word: word for word in words}
        self.empty: Final = empty
        self.unknown: Final = unknown
        self._aliases: Final = dict(aliases or {})

    def read(self, text: str) -> tuple[str | None, Repair | None]:
        """The word for `text`, and the repair that it took (None where white space was all)."""
        stripped = text.strip()
        if not stripped:
            return self.empty, Repair.MISSING_WORD
        if stripped in self.known:
            return stripped, None
        folded = stripped.lower()
        if folded in self.known:
            return folded, Repair.WORD_CASE
        return self._aliases.get(folded, self.unknown), Repair.REPLACED_WORD


DISPOSITION = Vocabulary(
    ("none", "quarantine", "reject", "pass"),
    aliases={"softfail": "quarantine", "fail": "reject", "quarantined": "quarantine", "rejected": "reject"},
)
"""RFC 7489 and, for "pass", RFC 9990."""

ALIGNED = Vocabulary(("pass", "fail"), unknown="fail")
"""policy_evaluated dkim and spf: whatever is not a pass (none, softfail, neutral) did not align."""

_RESULT_ALIASES = {
    "hardfail": "fail",
    "failed": "fail",
    "passed": "pass",
    "unknown": "temperror",
    "error": "permerror",
    "invalid": "permerror",
    "not.evaluated": "none",
    "not_evaluated": "none",
    "temp_error": "temperror",
    "perm_error": "permerror",
}

DKIM_RESULT = Vocabulary(
    ("none", "pass", "fail", "policy", "neutral", "temperror", "permerror"),
    aliases=_RESULT_ALIASES | {"softfail": "fail"},
    empty="none",
    unknown="other",
)

SPF_RESULT = Vocabulary(
    ("none", "neutral", "pass", "fail", "softfail", "temperror", "permerror", "policy"),
    aliases=_RESULT_ALIASES,
    empty="none",
    unknown="other",
)

SPF_SCOPE = Vocabulary(("mfrom", "helo"), aliases={"mailfrom": "mfrom", "mail_from": "mfrom", "ehlo": "helo"})

REASON_TYPE = Vocabulary(
    (
        "forwarded",
        "sampled_out",
        "trusted_forwarder",
        "mailing_list",
        "local_policy",
        "policy_test_mode",
        "other",
    ),
    empty="other",
    unknown="other",
)
"""The union of RFC 7489 and RFC 9990."""

POLICY = Vocabulary(("none", "quarantine", "reject"))
ALIGNMENT = Vocabulary(("r", "s"), aliases={"relaxed": "r", "strict": "s"})
TESTING = Vocabulary(("y", "n"), aliases={"yes": "y", "no": "n"})
DISCOVERY_METHOD = Vocabulary(("psl", "treewalk"))

TLS_POLICY_TYPE = Vocabulary(("sts", "tlsa", "no-policy-found"))
"""RFC 8460 section 4.4. Result types are an open registry and therefore no vocabulary."""
