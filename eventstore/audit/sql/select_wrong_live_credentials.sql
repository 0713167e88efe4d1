-- Reads tables credential, events of package eventstore.
-- Reports lives whose password hash is missing, and hashes that differ from the hash with which the access was set: an id of
-- version 8 is a fingerprint of the hash. Servers delete replaced hashes, and those of the lives of forgotten users. $1 is the types of
-- events that set the access, $3 the types of the creation of a live, $4 the types of events that forget a user.
SELECT CASE
    WHEN c.id IS NULL THEN format('row id %s is missing: nobody can enter the password of live %s', r.id, r.live_id)
    WHEN NOT c.genuine THEN format('row id %s: the password hash of live %s was exchanged', r.id, r.live_id)
    ELSE format('row id %s: created_at is %s, the password of live %s was set at %s', r.id, c.created_at, r.live_id, r.recorded_at)
END
FROM (SELECT payload ->> 'credential' AS id, live_id, recorded_at, row_number() OVER (PARTITION BY live_id ORDER BY position DESC) = 1 AS newest
      FROM events WHERE type = ANY ($1)) r
LEFT JOIN (SELECT id, created_at, substr(digits, 13, 1) <> '8' OR left(digits, 12) || substr(digits, 14, 3) || substr(digits, 18) =
               left(hash, 12) || substr(hash, 14, 3) || substr(hash, 18, 15) AS genuine
           FROM (SELECT id, created_at, replace(id::text, '-', '') AS digits, encode(sha256(convert_to(hash, 'UTF8')), 'hex') AS hash FROM credential) h
) c ON c.id::text = r.id
WHERE r.id <> '' AND CASE WHEN c.id IS NULL THEN r.newest AND NOT EXISTS (
        SELECT FROM events o JOIN events f ON f.stream = format('user-%s', o.payload ->> 'streamer')
        WHERE o.live_id = r.live_id AND o.type = ANY ($3) AND f.type = ANY ($4)) ELSE NOT c.genuine OR abs(extract(epoch FROM c.created_at - r.recorded_at)) > 86400 END
ORDER BY r.live_id LIMIT $2
