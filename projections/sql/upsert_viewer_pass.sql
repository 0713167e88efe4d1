-- Writes table viewer_pass of package projections.
INSERT INTO viewer_pass (live_id, user_id, credential, invitation)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[])
ON CONFLICT (live_id, user_id) DO UPDATE SET
    credential = CASE WHEN excluded.credential = '' THEN viewer_pass.credential ELSE excluded.credential END,
    invitation = CASE WHEN excluded.invitation = 0 THEN viewer_pass.invitation ELSE excluded.invitation END
