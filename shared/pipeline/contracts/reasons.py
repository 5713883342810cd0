"""Why something was refused, ignored or failed: one closed vocabulary for lines, logs, metrics and dead letters."""

from pipeline.contracts.vocabulary import Word


class Reason(Word):
    """A reason code. The text beside a member is what an operator is told."""

    # the mail
    MAIL_TOO_LARGE = "mail_too_large", "the mail is larger than the mail limit and was not downloaded"
    MAIL_UNREADABLE = (
        "mail_unreadable",
        "the mail server has the mail but does not give it out, however often it is asked: open it in a mail program,"
        " or ask the server's administrator; `dmarq import` takes a saved copy",
    )
    HEADER_UNREADABLE = (
        "header_unreadable",
        "the mail's header cannot be read, so that nobody knows whether the mail passes the filters; it is left as it"
        " is: please report it",
    )
    TOO_MANY_PARTS = "too_many_parts", "the mail has more parts than the limit"
    NO_REPORT_FOUND = "no_report_found", "the mail holds no report"
    REPORT_REMOVED = (
        "report_removed",
        "the mail is a report mail without a report in it: most likely a gateway took the attachment away",
    )

    # the container
    FORMAT_NOT_ALLOWED = "format_not_allowed", "this attachment format is switched off for the mailbox"
    ATTACHMENT_TOO_LARGE = "attachment_too_large", "the attachment is larger than the attachment size limit"
    UNCOMPRESSED_TOO_LARGE = "uncompressed_too_large", "the uncompressed data is larger than the limit"
    RATIO_TOO_HIGH = "ratio_too_high", "the data expands more than any honest report does"
    TOO_MANY_MEMBERS = "too_many_members", "the archive has more members than the limit"
    TOO_DEEP = "too_deep", "archives or mails are nested deeper than the limit"
    ENCRYPTED = "encrypted", "the archive or the mail part is encrypted"
    UNSUPPORTED_COMPRESSION = "unsupported_compression", "the archive uses a compression method that is not supported"
    UNSUPPORTED_CONTAINER = "unsupported_container", "the attachment is a container that is not supported"
    NOT_UNDERSTOOD = "not_understood", "the file's encoding or container is not understood"
    CORRUPT_CONTAINER = "corrupt_container", "the archive or its encoding is damaged"
    TRUNCATED_CONTAINER = "truncated_container", "the archive ends too early"

    # the document
    NO_REPORT_CONTENT = "no_report_content", "the file is no DMARC, TLS or failure report"
    EMPTY_DOCUMENT = "empty_document", "the file is empty"
    DOCTYPE_REFUSED = "doctype_refused", "the XML has a DOCTYPE, which no report needs"
    NOT_WELL_FORMED = "not_well_formed", "the document is damaged beyond repair"
    MISSING_REPORT_ID = "missing_report_id", "the report has no id"
    MISSING_ORG_NAME = "missing_org_name", "the report does not say who sent it"
    MISSING_DOMAIN = "missing_domain", "the report does not name a policy domain"
    MISSING_PERIOD = "missing_period", "the report does not say which period it covers"
    BAD_PERIOD = "bad_period", "the report's period is impossible"
    MISSING_POLICY = "missing_policy", "the report has no published policy"
    RECORDS_LOST = "records_lost", "records of the report were lost by damage"
    AMBIGUOUS_REPORT = "ambiguous_report", "the report contradicts itself"
    SECTION_TOO_LARGE = "section_too_large", "one section of the report is larger than any honest one"
    TOO_MANY_RECORDS = "too_many_records", "the report has more records than the limit"
    BAD_VALUE = "bad_value", "a value that the report cannot do without is unreadable"

    # the pipeline
    BLOB_MISSING = "blob_missing", "the bytes of the event are no longer in the object store"
    UNDECODABLE_EVENT = "undecodable_event", "the event on the bus could not be decoded"
    CRASH_LOOP = "crash_loop", "handling the event ended the process again and again"
    BUG = "bug", "an unexpected error; please report it"
    FOLDER_NOT_PERMITTED = "folder_not_permitted", "the mail server refuses the target folder"
    ACTION_REFUSED = "action_refused", "the mail server refuses the action"
    UIDVALIDITY_CHANGED = "uidvalidity_changed", "the folder was rebuilt; the mail's number is no longer valid"
