-- Writes table payout of package projections.
UPDATE payout SET status = n.status, note = n.note, decided = n.position, decided_at = n.at
FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[]) AS n (id, status, note, position, at)
WHERE payout.id = n.id AND payout.decided IS NULL
