-- Reads table tlog_cosignature of package eventstore/transparency/tree.
-- Returns the newest cosigned checkpoint of each witness in $2 that has cosigned tree $1.
SELECT w.key, c.size, c.note FROM unnest($2::text[]) AS w(key)
CROSS JOIN LATERAL (SELECT size, note FROM tlog_cosignature WHERE number = $1 AND witness = w.key ORDER BY size DESC LIMIT 1) c
