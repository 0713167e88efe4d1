-- Reads tables credential, events of package eventstore.
-- Reports users without their password hash, forgotten users who still have one, and hashes that differ from the hash at the
-- registration: an id of version 8 is a fingerprint of the hash. $1 is the types of registrations, $2 of events that forget a user.
SELECT CASE
    WHEN c.id IS NULL THEN format('row id %s is missing: user %s cannot sign in', r.id, r.user_id)
    WHEN f.user_id IS NOT NULL THEN format('row id %s: the password hash of user %s, who is forgotten, exists', r.id, r.user_id)
    WHEN f.user_id IS NULL AND NOT c.genuine THEN format('row id %s: the password hash of user %s was exchanged', r.id, r.user_id)
    ELSE format('row id %s: created_at is %s, user %s registered at %s', r.id, c.created_at, r.user_id, r.recorded_at)
END
FROM (SELECT payload ->> 'credential' AS id, payload ->> 'user' AS user_id, recorded_at FROM events
      WHERE type = ANY ($1) AND payload ->> 'credential' <> '') r
LEFT JOIN (SELECT id, created_at, substr(digits, 13, 1) <> '8' OR left(digits, 12) || substr(digits, 14, 3) || substr(digits, 18) =
               left(hash, 12) || substr(hash, 14, 3) || substr(hash, 18, 15) AS genuine
           FROM (SELECT id, created_at, replace(id::text, '-', '') AS digits, encode(sha256(convert_to(hash, 'UTF8')), 'hex') AS hash FROM credential) h
) c ON c.id::text = r.id
LEFT JOIN (SELECT payload ->> 'user' AS user_id FROM events WHERE type = ANY ($2)) f ON f.user_id = r.user_id
WHERE CASE WHEN f.user_id IS NULL THEN c.id IS NULL OR NOT c.genuine OR abs(extract(epoch FROM c.created_at - r.recorded_at)) > 86400 ELSE c.id IS NOT NULL END
ORDER BY r.user_id::bigint LIMIT $3
