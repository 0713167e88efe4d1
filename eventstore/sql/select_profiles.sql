-- Reads table events of package eventstore.
SELECT w.stream, e.position, e.type, e.payload
FROM unnest($1::text[]) AS w (stream)
CROSS JOIN LATERAL (
    SELECT position, type, payload FROM events
    WHERE stream = w.stream AND type IN ('user.registered.v1', 'user.profile_changed.v1') AND NOT position = ANY ($2::bigint[])
    ORDER BY version DESC LIMIT 1
) e
