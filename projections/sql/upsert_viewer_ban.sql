-- Writes table viewer_ban of package projections.
INSERT INTO viewer_ban (live_id, user_id, until)
SELECT live, account, until FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (live, account, until)
ON CONFLICT (live_id, user_id) DO UPDATE SET until = excluded.until
