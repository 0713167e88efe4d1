-- Uses no table of roomlog.
-- Returns the session for which a session of this database whose application is like $1 has waited longest, and the seconds of the
-- wait, at most one row. Waits for advisory locks are left out, because servers wait for each other with them. If that session waits as well, the row describes the session at the end of the chain. The view of
-- activities may hide all but the process id and the application of sessions of other users.
WITH RECURSIVE waiting AS (
    SELECT l.pid, max(extract(epoch FROM clock_timestamp() - coalesce((to_jsonb(l) ->> 'waitstart')::timestamptz, a.query_start))) AS waited
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE NOT l.granted AND l.locktype <> 'advisory' AND a.datname = current_database() AND a.application_name LIKE $1
    GROUP BY l.pid
), chain AS (
    SELECT blocker, waited, 1 AS depth FROM waiting, unnest(pg_blocking_pids(pid)) AS blocker
    UNION ALL
    SELECT next, waited, depth + 1 FROM chain, unnest(pg_blocking_pids(blocker)) AS next WHERE depth < 8
)
SELECT c.blocker, coalesce(a.application_name, ''), a.backend_start, coalesce(c.waited, 0)::float8
FROM chain c LEFT JOIN pg_stat_activity a ON a.pid = c.blocker
WHERE c.blocker > 0 AND cardinality(pg_blocking_pids(c.blocker)) = 0
ORDER BY c.waited DESC NULLS LAST, c.depth DESC
LIMIT 1
