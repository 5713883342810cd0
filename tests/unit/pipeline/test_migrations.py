"""Migrations that databases have applied: not a byte of them changes, comments included, or no such database opens."""

from pipeline.postgres.migrate import migrations

APPLIED = {
    "0001_mailbox": "fc61f9722d2864c98091e88c53073bcd85c193ead60941a5bde1563d115ec202",
    "0002_mail": "1cfc6675f1f27410a27c9c916ccbb6cec149d0039b0f9a417cfd0e7bb4a03d6d",
    "0003_report": "4ea591c59e5179ef8dbff2aa0d02dc6c8b0be82665fe8e583c97f45a38512eae",
    "0004_event": "ced1f2b13717f41fc62711e03415117550e48f2cb626e7f6aff6d4327293d19b",
    "0010_config_api": "01a10141d4bce460d137df9b73e5c1f6435aba6fb9221936292bf6030c3783b8",
    "0011_dry_run": "f8eb1edaf9780be196e24c720b7dd4df531cd462e93eae510b8b26adc4f2df93",
    "0020_record_partition": "f781a65ac760fbd04ddddbb0a0f9b796310436196ec5f00c66ba8e701dbd3f3d",
    "0021_dashboard_views": "04fde13b80c61a25f740977b92a3398a8ced93a5e38064db5e1c80b9e75378cb",
    "0030_reparse": "8bf64b53861317a0fa531a88937ab6654241b702c885fec36701c62749126d09",
    "0040_overview": "3278466d8abd407a42601216dae96857558c8f0a9e0eeb6e3e0d6a8a11d4113c",
    "0041_keeping_records": "6c52ed8ffd3a3af11147afb23cd0e24207e377d891db4f4e7ec26663d77066ec",
    "0042_overview_source_month": "d0a57e5edf44f6993f83fb3a0489b1d05a164c91b295cf0bc21d785b912c99f7",
    "0043_overview_fold": "45520ceb93963eda27e1adf39c23179e37395fd320108af58fc63a77fff11e4a",
}
"""SHA-256 of the statements by name; a migration that was given away is added here."""


def test_a_migration_that_databases_have_applied_is_what_it_was() -> None:
    now = {migration.name: migration.checksum for migration in migrations()}

    assert {name: now.get(name) for name in APPLIED} == APPLIED
