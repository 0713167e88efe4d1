-- Writes table ticket of package projections.
UPDATE ticket SET returned = n.returned, reason = n.reason
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[]) AS n (live_id, user_id, returned, reason)
WHERE ticket.live_id = n.live_id AND ticket.user_id = n.user_id AND ticket.returned IS NULL
