"""What a person can do about a mailbox that does not work, step by step, for each category of fault."""

from pipeline.connection import Category

_LOGS = "If it still fails, open the activity and log pages: they show what the server answered."

_STEPS: dict[Category, tuple[str, ...]] = {
    Category.OK: (),
    Category.AUTHENTICATION: (
        "Check the user name: most providers want the whole e-mail address.",
        "Type the password again; when you copy it, leave no space at its ends.",
        "If the account uses two-step verification, create an app password with the provider and enter that.",
        "Make sure that IMAP access is switched on in the account's settings with the provider.",
        "Microsoft 365 and Google Workspace may refuse passwords altogether: then use OAuth 2 (xoauth2).",
        _LOGS,
    ),
    Category.AUTH_EXPIRED: (
        "With OAuth 2, sign in with the provider again: dmarq mailbox authorize, or enter a new refresh token.",
        "If the password has expired, change it with the provider and enter the new one.",
        "Ask the administrator whether the consent for this application was withdrawn.",
        _LOGS,
    ),
    Category.CONNECTIVITY: (
        "Check the host name for typing errors, and the port: 993 for TLS, 143 for STARTTLS.",
        "Make sure that a firewall lets this machine connect to that host and port.",
        "See whether the provider reports a disturbance, and try again in a few minutes.",
        _LOGS,
    ),
    Category.TLS: (
        "Check that port and security fit: 993 with TLS, 143 with STARTTLS.",
        "Use the host name that the server's certificate is issued for, not an IP address or an alias.",
        "For a server with an internal or self-made certificate, paste its CA certificate (PEM).",
        "If the certificate has expired, ask the administrator of the mail server to renew it.",
        "Do not switch verification off, but for a short test in a network you trust.",
        _LOGS,
    ),
    Category.MAILBOX_NOT_FOUND: (
        "Choose the folder from the list that the connection test shows, spelled exactly like that.",
        "A folder below another is written with the server's separator, such as Reports/DMARC or INBOX.DMARC.",
        "A shared folder must be shared with this account and visible over IMAP.",
        _LOGS,
    ),
    Category.PERMISSIONS: (
        "Make sure that IMAP access is switched on for the account, by you or the administrator.",
        "Give the account the rights to read, to flag, to delete and to create in the folders that are used.",
        "Check that the account's quota is not used up.",
        _LOGS,
    ),
    Category.THROTTLED: (
        "Wait some minutes: the provider limits how often or how much this account may read.",
        "Close other mail programs that use the account; many providers allow about ten connections.",
        "Set a longer poll interval.",
        _LOGS,
    ),
    Category.TIMEOUT: (
        "Check host and port: a wrong port often takes the connection but never answers.",
        "Make sure that a firewall lets this machine connect; many drop connections silently.",
        "If the port expects TLS from the start (993), choose TLS; if it expects STARTTLS (143), choose that.",
        "Try again later, in case the server is busy.",
        _LOGS,
    ),
}


def recovery_steps(category: Category, *, first: str = "") -> tuple[str, ...]:
    """The steps in the order to try them; none for `ok`. `first`: the one that helps for certain."""
    return (first, *_STEPS[category]) if first else _STEPS[category]
