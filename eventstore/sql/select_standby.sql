-- Uses no table of roomlog.
-- Returns one row: the name of this role if it may not see the state of standbys, or NULL; whether a synchronous standby is connected; the position in bytes up
-- to which the write-ahead log is on disk here; the newest such position of a synchronous standby, or NULL. Fails on a standby.
SELECT CASE WHEN NOT pg_has_role('pg_read_all_stats', 'USAGE') THEN quote_ident(current_user) END, count(*) > 0, (pg_current_wal_flush_lsn() - '0/0')::bigint, (max(flush_lsn) - '0/0')::bigint
FROM pg_stat_replication
WHERE sync_state IN ('sync', 'quorum')
