-- Writes table live_access of package projections.
INSERT INTO live_access (live_id, access, credential, min_age)
SELECT n.live_id, 'open', '', n.min_age FROM unnest($1::bigint[], $2::bigint[]) AS n (live_id, min_age)
ON CONFLICT (live_id) DO UPDATE SET min_age = excluded.min_age
