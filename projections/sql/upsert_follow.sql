-- Writes table follow of package projections.
INSERT INTO follow (user_id, streamer_id, position, since)
SELECT follower, streamer, position, since FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n (follower, streamer, position, since)
ON CONFLICT (user_id, streamer_id) DO UPDATE SET position = excluded.position, since = excluded.since
