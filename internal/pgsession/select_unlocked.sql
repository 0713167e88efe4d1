-- Uses no table of roomlog.
-- Releases the advisory lock $1 if this session has it. Returns whether it had.
SELECT coalesce((SELECT pg_advisory_unlock($1) FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND pid = pg_backend_pid() AND classid::bigint << 32 | objid::bigint = $1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    LIMIT 1), false)
