"""What had to be repaired to read a report: one closed vocabulary, kept with the report and shown to the operator."""

from pipeline.contracts.vocabulary import Word


class MailRepair(Word):
    """The name of a repair of a mail or a container."""

    HEADER_LINE_NOT_INDENTED = "header-line-not-indented", "a folded header line of the part had lost its indent"
    HEADER_SEPARATOR_MISSING = "header-separator-missing", "no empty line stood between the part's header and its body"
    BOUNDARY_GUESSED = "boundary-guessed", "the mail's parts were divided by another line than its header says"
    BASE64_CHARACTERS = "base64-characters", "characters that base64 does not have were dropped"
    BASE64_PADDING = "base64-padding", "base64 padding was missing or misplaced, or a last lone character was dropped"
    BASE64_UNDECLARED = "base64-undeclared", "the part was base64 without saying so, or once more than it said"
    BASE64_NOT_USED = "base64-not-used", "the part said that it was base64 and was not"
    BASE64_URL_ALPHABET = "base64-url-alphabet", "the base64 was in the alphabet for URLs"
    UUENCODE_LINES = "uuencode-lines", "lines of a uuencoded file were bent, or its end was missing"
    MAIL_LEADING_LINES = "mail-leading-lines", "lines stood before the mail's header"
    MAIL_UTF16 = "mail-utf16", "the mail was saved as UTF-16 text"
    MAIL_EMLX = "mail-emlx", "the mail was in Apple Mail's own file format"
    MULTIPART_UNDECLARED = "multipart-undeclared", "the mail had parts and its Content-Type did not say so"
    GZIP_LEADING_BYTES = "gzip-leading-bytes", "something stood before the gzip data"
    GZIP_TRAILING_BYTES = "gzip-trailing-bytes", "something stood after the gzip data"
    ZIP_SIZE_WRONG = "zip-size-wrong", "the archive gave a wrong size for a file that is whole"
    DEFLATE_FRAME = "deflate-frame", "the data was deflated, but not in the frame of a gzip file"
    ZIP_DIRECTORY_MISSING = (
        "zip-directory-missing",
        "an archive without its directory, or with a wrong one; its files were found one by one",
    )
    ZIP_OFFSET_WRONG = "zip-offset-wrong", "the archive's directory gave wrong positions"
    ZIP_SEVERAL = "zip-several", "several archives stood behind each other in one file"


class Repair(Word):
    """The name of a repair. The text beside a member is what an operator is told.

    A repaired report's facts can be trusted; whatever could not be repaired without guessing is refused instead.
    """

    # the bytes and the mark-up
    RE_ENCODED = "re-encoded", "bytes that are invalid in the declared encoding were read as Windows-1252"
    CONTROL_CHARACTERS = "control-characters-removed", "characters that no text may hold were removed"
    LEADING_JUNK = "leading-junk-removed", "something stood before the report's first tag"
    TRAILING_JUNK = "trailing-junk-removed", "something stood after the report's last tag"
    SCHEMA_WRAPPER = "schema-wrapper-removed", "the report was wrapped in a schema tag that nothing closes"
    STRAY_MARKUP = "stray-markup-escaped", "a raw <, > or & in a text was read as text"
    BROKEN_END_TAG = "broken-end-tag", "an end tag had lost its first character"
    BROKEN_ATTRIBUTES = "broken-attributes-removed", "attributes that are not XML were removed"
    UNDECLARED_PREFIX = "undeclared-prefix-removed", "a namespace prefix was used without being declared"
    MISSING_ROOT_END = "missing-root-end-tag", "the end tag of the whole report was missing, all records were there"
    ONE_OF_SEVERAL = "one-of-several", "the file held several whole reports; each of them is a document of its own"
    REBUILT = "rebuilt", "the report was put together again from what another tool kept of it"
    WRAPPED_LINE = "wrapped-line-joined", "a line break that was put into a text on the way was taken out"
    TRAILING_COMMA = "trailing-comma-removed", "a comma stood before the end of a list or an object"

    # the structure
    ELEMENT_NAME_CASE = "element-name-case", "names were written in another case or without the underscore (sourceIp)"
    MISSPELT_ELEMENT = "misspelt-element", "an element was misspelt (identities for identifiers)"
    REPEATED_ELEMENT = (
        "repeated-element",
        "an element that may occur once was repeated; the first one counts (of identity, address and count both agree)",
    )
    RECORDS_WRAPPED = "records-wrapped", "the records stood in an element of their own (records)"
    MISPLACED_SECTION = "misplaced-section", "a section of a record stood in its row, or one of the row outside of it"
    NO_RECORDS = "no-records", "the report has no records"
    EMPTY_RECORD = "empty-record-dropped", "a record without address and count was left out of the rows"
    MISSING_IDENTIFIERS = "missing-identifiers", "a record has no identifiers"
    MISSING_AUTH_RESULTS = "missing-auth-results", "a record has no authentication results"
    MISSING_POLICY_EVALUATED = "missing-policy-evaluated", "a record does not say how the policy was applied"

    # the header
    SURROUNDING_SPACE = "surrounding-space-trimmed", "white space round a text was removed"
    TEXT_CUT = "text-cut", "a text was longer than the limit and was cut"
    ORG_FROM_FILE_NAME = "org-name-from-file-name", "the sender's name was taken from the file name"
    ORG_FROM_MAIL = "org-name-from-mail", "the sender's name was taken from the mail's From"
    ORG_FROM_CONTACT = "org-name-from-contact", "the sender's name was taken from its contact address"
    MISSING_ORG_NAME = "missing-org-name", "nothing says who sent the report"
    MISSING_CONTACT = "missing-contact", "the sender gives no contact address"
    DATE_FORMAT = "date-format", "a date was not written as the specification says"
    DOMAIN_FORM = "domain-form", "something that stood round a domain name was taken off (<>, ;, a local part, http://)"
    UNREADABLE_DOMAIN = "unreadable-domain", "a value that should be a domain name is none, and was left out"
    MISSING_POLICY_WORD = "missing-policy-word", "the published policy does not say p"
    UNKNOWN_POLICY_WORD = "unknown-policy-word", "a word of the published policy is not one the specification knows"
    UNREADABLE_PCT = "unreadable-pct", "the percentage of the published policy is no number from 0 to 100"
    PCT_FORM = "pct-form", "the percentage of the published policy was written in an unusual form"

    # the rows
    MISSING_SOURCE_IP = "missing-source-ip", "a record has no source address"
    UNREADABLE_SOURCE_IP = "unreadable-source-ip", "a source address is no IP address, or several"
    SOURCE_IP_FORM = "source-ip-form", "a source address was written in an unusual form, or something stood round it"
    MISSING_COUNT = "missing-count", "a record has no count"
    UNREADABLE_COUNT = "unreadable-count", "a count is no number or may mean two (1.000), and counts as 0"
    COUNT_FORM = "count-form", "a count was written in an unusual form (1,000 or 3.0 or 1e3)"
    COUNT_NOT_POSITIVE = "count-not-positive", "a record's count is zero or negative"
    MISSING_HEADER_FROM = "missing-header-from", "a record does not name the From domain"
    MISSING_WORD = "missing-word", "a result that the specification asks for is empty or absent"
    WORD_CASE = "word-case", "a word was written in another case"
    REPLACED_WORD = "replaced-word", "a word that the specification does not know was replaced by the one it stands for"
    REASON_AS_TEXT = "reason-as-text", "an override reason was given as plain text"

    # TLS reports
    MISSING_POLICY_DOMAIN = "missing-policy-domain", "a policy does not name its domain"
    NO_POLICIES = "no-policies", "the report has no policies"
    POLICY_STRING_AS_TEXT = "policy-string-as-text", "the policy was one text instead of a list of lines"
    LIST_FORM = "list-form", "a list was written as a single value, or the other way round"
    UNKNOWN_POLICY_TYPE = "unknown-policy-type", "the policy type is not one the specification knows"
    MISSING_SESSION_COUNT = "missing-session-count", "a session count is absent, and counts as 0"

    # failure reports
    NO_FEEDBACK_PART = "no-feedback-part", "the report is a notice without a machine-readable part"
    ENCODED_FEEDBACK_PART = "encoded-feedback-part", "the machine-readable part was encoded, which no standard allows"
    ENCODED_SAMPLE = "encoded-sample", "the reported mail was encoded, which no standard allows"
    MISLABELLED_FEEDBACK_PART = "mislabelled-feedback-part", "the machine-readable part had a wrong content type"
    MISLABELLED_SAMPLE = "mislabelled-sample", "the reported mail had a wrong content type"
    MISSING_ARRIVAL_DATE = "missing-arrival-date", "the arrival date was taken from the mail that brought the report"
    DOMAIN_FROM_SAMPLE = "domain-from-sample", "the domain was taken from the reported mail's From"
    MISSING_FEEDBACK_TYPE = "missing-feedback-type", "the report does not say what it is about"
    UNREADABLE_VALUE = "unreadable-value", "an optional value could not be read and was left out"
