"""What sources are, what is said of them, and what changed, in words for pages."""

from config_api.web.words import Said
from pipeline.sources.catalogue import Kind
from pipeline.sources.changes import Change
from pipeline.sources.judge import Standing, Verdict

VERDICTS = {
    Verdict.MISALIGNED: Said(Verdict.MISALIGNED.text, "bad"),
    Verdict.FAILING: Said(Verdict.FAILING.text, "bad"),
    Verdict.UNKNOWN: Said(Verdict.UNKNOWN.text, "warn"),
    Verdict.FORWARDED: Said(Verdict.FORWARDED.text, "accent"),
    Verdict.ALIGNED: Said(Verdict.ALIGNED.text, "good"),
    Verdict.IGNORED: Said(Verdict.IGNORED.text),
}
MEANINGS = {
    Verdict.MISALIGNED: "They send for you, and part of it fails. Set up their authentication.",
    Verdict.FAILING: "Nothing they send passes: spoofing, or a service nobody told you of.",
    Verdict.UNKNOWN: "Part of it passes. Say whether it is yours.",
    Verdict.FORWARDED: "They hand on your email: a mailing list, or a forwarded mailbox.",
    Verdict.ALIGNED: "All is well.",
    Verdict.IGNORED: "You said that these do not matter.",
}
NOTHING_FAILED = (
    "They send for you. Nothing failed in these 30 days, but an address of theirs that is silent now failed before."
)
DECISIONS = {Standing.OURS: "Ours", Standing.NOT_OURS: "Not ours", Standing.IGNORE: "Ignore"}
CHANGES = {
    Change.NEW: Said("New", "accent"),
    Change.SILENT: Said("Gone silent", "warn"),
    Change.MORE: Said("Suddenly more", "warn"),
    Change.FAILING: Said("Suddenly failing", "bad"),
}
KINDS = {
    Kind.ESP: "Email service",
    Kind.CRM: "CRM",
    Kind.TICKETING: "Ticket system",
    Kind.INVOICING: "Invoicing",
    Kind.COMMERCE: "Shop system",
    Kind.SURVEY: "Surveys",
    Kind.EVENTS: "Events",
    Kind.COLLABORATION: "Collaboration",
    Kind.HR: "Human resources",
    Kind.TRAINING: "Training",
    Kind.EDUCATION: "Education",
    Kind.SOCIAL: "Social network",
    Kind.MAILBOX_PROVIDER: "Mailbox provider",
    Kind.SECURITY_GATEWAY: "Security gateway",
    Kind.FORWARDER: "Forwarder",
    Kind.LIST_SERVER: "Mailing lists",
    Kind.HOSTING: "Hosting",
}
MECHANISMS = {"dkim": "DKIM signature", "spf": "SPF (envelope)", "from": "From address"}


def meaning(verdict: Verdict, failed: int) -> str:
    """What a verdict means where so many messages failed: a group has that of its worst address, silent or not."""
    return NOTHING_FAILED if verdict is Verdict.MISALIGNED and failed == 0 else MEANINGS[verdict]
