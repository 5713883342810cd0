"""Text whose words, addresses and numbers are others: the same word always becomes the same one, as long as it was.

What is not known to be harmless is replaced (letters by letters, digits by digits), so that nothing depends on knowing
where names may stand. Kept are markup, field names, dates and times, the words of the standards, and every character
that is neither letter nor digit, which is where the oddities are.
"""

import base64
import binascii
import hashlib
import re
import sys
from typing import Final

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_KEPT: Final = (
    r"<\?xml[^>]{0,200}\?>",
    r"\bxmlns(?::[\w-]{1,40})?=(?:\"[^\"]{0,200}\"|'[^']{0,200}')",
    r"http://dmarc\.org/dmarc-xml/[\d.]+|http://www\.w3\.org/[\w./#-]{1,80}|urn:ietf:params:[\w:.-]{1,80}",
    r"(?<!\d)\d{4}-\d\d-\d\d(?:[Tt ]\d\d:\d\d(?::\d\d)?(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:?\d\d)?)?(?!\d)",
    r"&(?:amp|lt|gt|quot|apos|nbsp);",
    r"(?<=<begin>)[^<]{1,40}|(?<=<end>)[^<]{1,40}",
    r"(?<= )[+-]\d{4}\b",
)
_TAG: Final = r"</?[A-Za-z_][\w:-]{0,100}(?=[\s/>])"
_KEY: Final = r'"[A-Za-z_-]{1,100}"(?=\s{0,100}:)'
_ENCODED_WORD: Final = r"=\?[\w-]{1,40}\?[bB]\?[A-Za-z0-9+/=]{0,2000}\?="
_OCTETS: Final = r"(?<!boundary)(?:=[0-9A-F]{2})+|(?:%[0-9A-Fa-f]{2})+"  # quoted-printable; of a URL
_REFERENCE: Final = r"&#x[0-9A-Fa-f]{1,6};|&#[0-9]{1,7};|\\u[0-9A-Fa-f]{4}"  # of XML and HTML; of JSON
_COUNT: Final = r"(?<=count>)\d{1,20}|(?<=-count\":)\d{1,20}|(?<=-count\": )\d{1,20}"
_IPV4: Final = r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"
_IPV6: Final = r"(?<![\w:])(?=[0-9A-Fa-f:]{0,39}::|(?:[0-9A-Fa-f]{1,4}:){4})[0-9A-Fa-f:]{3,45}"
_WORD: Final = r"[^\W_]+"


def _pattern(*first: str) -> re.Pattern[str]:
    kept = "|".join((*first, *_KEPT))
    return re.compile(
        f"(?P<kept>{kept})|(?P<encoded>{_ENCODED_WORD})|(?P<octets>{_OCTETS})|(?P<reference>{_REFERENCE})"
        f"|(?P<count>{_COUNT})"
        f"|(?P<ipv4>{_IPV4})|(?P<ipv6>{_IPV6})|(?P<word>{_WORD})"
    )


_IN_MARKUP: Final = _pattern(_TAG)
_IN_JSON: Final = _pattern(_KEY)
_IN_TEXT: Final = _pattern()


class Words:
    """Replaces words by a key: within one key the same always by the same, and under another by something else."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, str] = {}

    def in_text(self, text: str) -> str:
        """The text with others in the place of its words, addresses and numbers; as many characters as before.

        The number of a character (&#233;) may get a digit more.
        """
        start = text[:200].lstrip("\ufeff\x00 \t\r\n")[:1]
        pattern = {"<": _IN_MARKUP, "{": _IN_JSON, "[": _IN_JSON}.get(start, _IN_TEXT)
        return pattern.sub(self._replaced, text)

    def _replaced(self, found: re.Match[str]) -> str:
        text = found[0]
        match found.lastgroup:
            case "encoded":
                return self._encoded_word(text)
            case "octets":
                octets = self.in_bytes(bytes.fromhex(text.replace(text[0], "")))
                return "".join(f"{text[0]}{octet:02X}" for octet in octets)
            case "reference":
                return self._reference(text)
            case "count":
                return self._masked(text)
            case "ipv4":
                return self._ipv4(text)
            case "ipv6":
                return self._ipv6(text)
            case "word":
                return text if self._says_nothing(text) else self._masked(text)
        return text

    def _says_nothing(self, word: str) -> bool:
        if word.isdecimal():
            is_year = len(word) == 4 and word[:2] in ("19", "20")
            is_moment = len(word) == 10 and word[0] == "1"  # seconds since 1970, as reports and their names have them
            return len(word) <= 2 or is_year or is_moment or word == "100"
        return word.lower() in KNOWN_WORDS

    def _masked(self, word: str) -> str:
        known = self._known.get(word)
        if known is None:
            stream = hashlib.shake_256(self._key + word.lower().encode("utf-8", "surrogatepass")).digest(len(word))
            known = self._known[word] = "".join(map(_like, word, stream))
        return known

    def _ipv4(self, address: str) -> str:
        stream = hashlib.shake_256(self._key + address.encode()).digest(4)
        return ".".join(_octet(len(octet), byte) for octet, byte in zip(address.split("."), stream, strict=True))

    def _ipv6(self, address: str) -> str:
        stream = hashlib.shake_256(self._key + address.lower().encode()).digest(len(address))
        return "".join(_hex(*pair) for pair in zip(address, stream, strict=True))

    def _encoded_word(self, word: str) -> str:
        """An encoded word in base64 (RFC 2047), with other words in it."""
        head, _, rest = word[2:-2].partition("?")
        mode, _, coded = rest.partition("?")
        try:
            plain = base64.b64decode(coded, validate=True)
        except binascii.Error:
            return f"=?{head}?{mode}?{self._masked('x' * 8)}?="
        return f"=?{head}?{mode}?{base64.b64encode(self.in_bytes(plain)).decode()}?="

    def _reference(self, reference: str) -> str:
        """The number of a character, in the same form; what is no letter and no digit stays."""
        mark = reference[: 3 if reference[2] in "xX" else 2]
        digits = reference[len(mark) :].removesuffix(";")
        base = 10 if mark == "&#" else 16
        number = int(digits, base)
        if number > sys.maxunicode or not chr(number).isalnum():
            return reference
        other = ord(self._masked(chr(number)))
        return f"{mark}{other:0{len(digits)}{'d' if base == 10 else 'x'}}{reference[len(mark) + len(digits) :]}"

    def in_bytes(self, data: bytes) -> bytes:
        """The same for text in bytes: UTF-8, or any encoding in which ASCII is ASCII."""
        try:
            return self.in_text(data.decode("utf-8")).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return self.in_text(data.decode("latin-1")).encode("latin-1", "replace")


def _like(character: str, byte: int) -> str:
    """A character of the same kind, and as many bytes long in UTF-8."""
    if character.isdecimal() and character.isascii():
        return str(1 + byte % 9)
    if character.isascii():
        letter = _LETTERS[byte % 26]
        return letter.upper() if character.isupper() else letter
    return {2: "é", 3: "字", 4: "𝑥"}[len(character.encode("utf-8", "surrogatepass"))]


def _octet(digits: int, byte: int) -> str:
    return str((1 + byte % 9, 10 + byte % 90, 100 + byte % 156)[digits - 1])


def _hex(character: str, byte: int) -> str:
    if character in ":0":
        return character
    digit = "123456789abcdef"[byte % 15]
    return digit.upper() if character.isupper() else digit


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
