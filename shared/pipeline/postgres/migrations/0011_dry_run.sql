-- A mailbox on a dry run is never touched: its commands end as 'skipped'.
ALTER TABLE mail DROP CONSTRAINT mail_action_state_check;
ALTER TABLE mail ADD CONSTRAINT mail_action_state_check
    CHECK (action_state IN ('none', 'pending', 'done', 'absent', 'failed', 'skipped'));
