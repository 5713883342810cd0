"""What a client that was generated from the API's description looks like in use.

curl -H "Authorization: Bearer $TOKEN" $URL/api/v1/openapi.json -o openapi.json
openapi-python-client generate --path openapi.json --config client.yaml --meta none --output-path dmarq_client
python use_client.py $URL $TOKEN
"""

import sys

from dmarq_client import AuthenticatedClient
from dmarq_client.api.mailboxes import create_mailbox, list_mailboxes
from dmarq_client.api.reports import get_report, list_reports
from dmarq_client.models import MailboxInput, MailboxView

url, token = sys.argv[1:]

with AuthenticatedClient(base_url=url, token=token, raise_on_unexpected_status=True) as client:
    wanted = MailboxInput(
        name="Reports of example.com", host="imap.example.com", username="dmarc@example.com", password="correct horse"
    )
    for _ in range(2):  # the second time nothing is added: it is the same request
        made = create_mailbox.sync(client=client, body=wanted, idempotency_key="reports-of-example.com")
        assert isinstance(made, MailboxView), made
    print("mailboxes:", [mailbox.id for mailbox in list_mailboxes.sync(client=client).items])

    page = list_reports.sync(client=client, limit=2, total=True)
    print("reports:", page.total.count)
    while True:
        for summary in page.items:
            report = get_report.sync(summary.id, client=client)
            print(report.org_name, report.domain, report.messages, report.published_policy.p)
        if not page.next_cursor:
            break
        page = list_reports.sync(client=client, limit=2, cursor=page.next_cursor)
