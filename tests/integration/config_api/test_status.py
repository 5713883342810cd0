"""The state of the whole: every fetched mail is somewhere, and the status says where."""

from tests.support.config_api import Api
from tests.support.events import fetched

ROW = """
INSERT INTO mail (mail_id, mailbox_id, folder, uidvalidity, uid, size, fetched_at, stored_at, settings_version, outcome,
    action, action_state)
SELECT gen_random_uuid(), 'reports', 'INBOX', 1, uid, 1, now(), now(), 1,
    (ARRAY['imported', 'imported', 'duplicate', 'failed', 'not_a_report'])[uid], 'move',
    (ARRAY['done', 'pending', 'done', 'failed', 'none'])[uid]
FROM generate_series(1, 5) AS uid
"""


async def _insert(api: Api) -> None:
    async with api.backend.database.connection() as connection:
        await connection.execute(ROW)


def test_fetched_mails_are_those_with_an_outcome_and_those_on_their_way(api: Api) -> None:
    api.backend.run(_insert(api))
    api.backend.run(api.backend.bus.publish([fetched(uid) for uid in range(3)]))

    whole = api("GET", "/status").json

    assert whole is not None
    assert whole["mails"] == {
        "fetched": 8,
        "imported": 2,
        "duplicate": 1,
        "failed": 1,
        "not_a_report": 1,
        "skipped": 0,
        "in_flight": 3,
        "commands_pending": 1,
        "commands_failed": 1,
    }
    assert {s["name"]: s["events"] for s in whole["streams"]}["MAIL"] == 3
    assert (whole["commands"], whole["dead_letters"], whole["outbox"]) == (0, 0, {"events": 0, "age_seconds": 0.0})
