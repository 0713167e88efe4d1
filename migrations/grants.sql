-- The rights of the serving role, granted after every migration. It can append events, never change them.
GRANT USAGE ON SCHEMA public TO roomlog_serving;
-- A verification compares the applied migrations.
GRANT SELECT ON goose_db_version TO roomlog_serving;
GRANT SELECT ON store TO roomlog_serving;
GRANT SELECT, INSERT ON events TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON command TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON snapshot TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON user_key TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON credential TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE ON checkpoint TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE ON secret_fingerprint TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON survey_reply TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE ON tlog_tile TO roomlog_serving;
GRANT SELECT, UPDATE ON tlog_tree TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON tlog_checkpoint TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON tlog_cosignature TO roomlog_serving;
GRANT SELECT, INSERT ON tlog_fork TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_cursor TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_blocked TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_dead TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON gift_delivery TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE ON live_delivery TO roomlog_serving;
-- The projector of a server writes the read tables.
GRANT USAGE ON SCHEMA read TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA read TO roomlog_serving;
