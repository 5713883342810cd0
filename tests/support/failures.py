"""Failure reports of our own making: an ARF mail that can be varied, and a notice for people."""

FIELDS = """Feedback-Type: auth-failure
User-Agent: ExampleReporter/1.0
Version: 1
Original-Mail-From: <jane@example.com>
Original-Rcpt-To: <joe@receiver.example>
Arrival-Date: Tue, 01 Oct 2019 14:59:23 +0200
Reporting-MTA: dns; mx.receiver.example
Source-IP: 192.0.2.44
Source-Port: 2525
Incidents: 3
Authentication-Results: receiver.example;
 dmarc=fail header.from=example.com
Reported-Domain: Example.com
Reported-URI: mailto:jane@example.com
Auth-Failure: dmarc
Delivery-Result: reject
Identity-Alignment: dkim, spf
DKIM-Domain: example.com
DKIM-Identity: @example.com
DKIM-Selector: s1
SPF-DNS: txt : example.com : "v=spf1 -all"
X-Unknown: ignored
"""

SAMPLE = """From: Jane Doe <jane@example.com>
To: joe@receiver.example
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Message-ID: <m-1@example.com>

A private text.
"""


def arf(
    *,
    fields: str = FIELDS,
    sample: str = SAMPLE,
    feedback_type: str = "message/feedback-report",
    sample_type: str = "message/rfc822",
    feedback_headers: str = "",
) -> str:
    """A report mail with its three parts."""
    return f"""From: reporter@receiver.example
To: ruf@example.com
Date: Wed, 02 Oct 2019 00:00:00 +0000
Message-ID: <report-1@receiver.example>
Subject: FW: hello
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is a report.
--b
Content-Type: {feedback_type}
{feedback_headers}
{fields}
--b
Content-Type: {sample_type}

{sample}
--b--
"""


NOTICE = """From: mailer@host.example
Date: Tue, 01 Oct 2019 15:00:00 +0200
Subject: DMARC failure
Content-Type: text/plain

A message claiming to be from you has failed the published DMARC
policy for your domain.

  Sender Domain: example.com
  Sender IP Address: 192.0.2.44
  Received Date: Tue, 01 Oct 2019 14:59:23 +0200
  SPF Alignment: no
  DKIM Alignment: yes
  DMARC Results: Reject

------ This is a copy of the headers that were received before the error
       was detected.

From: jane@example.com
Message-ID: <m-2@example.com>
Subject: hello
"""
