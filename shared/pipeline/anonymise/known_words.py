"""The words of mails and reports that say nothing about anybody, and so stay as they are in an anonymised copy."""

from typing import Final

_MAIL: Final = """
    a an and are as at attached attachment be by for from have in is it of on or see the this to with you your
    accept action alternative application arf arrival attachment auth authentication base64 bcc binary bit body boundary
    bulk byte cc charset code content date delivered delivery description diagnostic digest disposition dkim dmarc dsn
    email encoding esmtp esmtps extensions failed failure feedback filename final format forwarded gateway gzip gz helo
    header headers html http https id in inline internet iso json latin list mail mailer mailto message method microsoft
    mime mixed mode multipart name octet octets original path pkcs7 plain precedence priority printable quoted rcpt
    received receiver references related remote reply report reporting return rfc822 sender signature signed smime smtp
    spf status stream subject submitter subscribe text tls tlsrpt transfer type unsubscribe us ascii user utf utf8 uue
    uuencode begin end via version windows x xml yes no zip 7bit 8bit
    mon tue wed thu fri sat sun jan feb mar apr may jun jul aug sep oct nov dec gmt utc
"""
_REPORT: Final = """
    adkim aggregate agent align alignment arc aspf auth authres blocked bestguesspass
    checked comment contact count dane dateranges days delegated discard domain domains end error errors extra
    fail failures false fo forwarded forwarder generator hardfail header hostname human identifiers identity incidents
    indeterminate info ip local mailfrom mailing mfrom metadata mx neutral none null oversight np org organization other
    override p pass permerror percent pct phish policies policy processed published quarantine queued range range r
    reason record reject rejected rejection results result ri row rua ruf s sampled scope selector session sent
    softfail source sp start starttls strict relaxed string sts successful summary supported temperror total trusted
    evaluated envelope discovery treewalk psl feedback
    found missing required key expired malformed disposition arrived auth other
    true max age enforce testing none size policies reported provider company address country language
    true unknown unspecified validation vendor webpki certificate expired mismatch not dnssec invalid fetch
    tlsa required host signature abuse fraud spam virus opt out
"""
_ENDINGS: Final = "com net org edu gov mil int info biz io eu de fr uk co jp nl it es pl ch at cz ru br au ca us example test local xml eml dat p7m p7s txt"  # fmt: skip # noqa: E501

KNOWN_WORDS: Final = frozenset(f"{_MAIL} {_REPORT} {_ENDINGS}".split())
