-- Writes table invitation of package projections.
UPDATE invitation SET used = invitation.used + n.used FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS n (live, number, used)
WHERE live_id = n.live AND id = n.number
