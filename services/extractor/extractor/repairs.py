"""What had to be mended to get a document out of its mail or archive: noted at the document, shown to the operator."""

from pipeline.vocabulary import Word


class Repair(Word):
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
