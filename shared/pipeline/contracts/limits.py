"""The bounds on everything that comes from outside. Units are in the names."""

from pydantic import BaseModel, ConfigDict, Field

MiB = 1024 * 1024
KiB = 1024


class Limits(BaseModel):
    """Bounds a mail, its containers and its documents must keep; over one of them, the part is refused with a reason.

    A 10 MiB attachment is 13.7 MiB in base64, so the mail limit is higher than the attachment limit. Honest reports
    reach a ratio of 100:1, so the ratio counts only above `ratio_from_bytes`.
    """

    model_config = ConfigDict(frozen=True)

    max_mail_bytes: int = Field(25 * MiB, gt=0, description="A larger mail is not downloaded.")
    max_attachment_bytes: int = Field(
        10 * MiB, gt=0, description="A larger attachment (decoded) is refused; a mailbox may set less."
    )
    max_uncompressed_bytes: int = Field(1024 * MiB, gt=0, description="Unpacking a mail stops after so many bytes.")
    max_ratio: int = Field(200, gt=0, description="Data that expands more than so many times is refused.")
    ratio_from_bytes: int = Field(10 * MiB, gt=0, description="Uncompressed bytes from which on the ratio counts.")
    max_members: int = Field(1000, gt=0, description="Members of an archive.")
    max_depth: int = Field(5, gt=0, description="Archives and mails inside one another.")
    max_parts: int = Field(200, gt=0, description="MIME parts of a mail.")
    max_records: int = Field(2_000_000, gt=0, description="Records of a report.")
    max_text_bytes: int = Field(4 * KiB, gt=0, description="A longer text field of a report is cut.")
