-- What the serving role may do, applied after every migration. It can add facts, never change them.
GRANT USAGE ON SCHEMA public TO roomlog_serving;
GRANT SELECT ON store TO roomlog_serving;
GRANT SELECT, INSERT ON events TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON command TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON snapshot TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON user_key TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON credential TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE ON checkpoint TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON roll_call TO roomlog_serving;
GRANT SELECT, INSERT, DELETE ON survey_reply TO roomlog_serving;
-- The read tables: the projector of a serving process writes them.
GRANT USAGE ON SCHEMA read TO roomlog_serving;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA read TO roomlog_serving;
