-- Uses no table of roomlog.
-- Analysts read the views and nothing else: the role has no right on the log, on sealed texts and their keys, or on tables.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'roomlog_analytics') THEN
        CREATE ROLE roomlog_analytics NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL; -- the installation in another database was faster
END $$;
REVOKE ALL ON SCHEMA analytics FROM PUBLIC;
GRANT USAGE ON SCHEMA analytics TO roomlog_analytics;
GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO roomlog_analytics;
