-- Reads table store of package eventstore.
-- The comment on the table keeps a fingerprint of its row, which never changes.
SELECT 'the row has changed since the database was created: ' || obj_description('store'::regclass, 'pg_class')
FROM store WHERE obj_description('store'::regclass, 'pg_class') IS DISTINCT FROM
    'The row never changes. Its fingerprint: ' || encode(sha256(convert_to(id::text || ' ' || format::text || ' ' || encode(name_key, 'hex'), 'UTF8')), 'hex')
