-- Reads table events of package eventstore and tables tlog_checkpoint, tlog_tree of package eventstore/transparency/tree.
SELECT t.number, t.size, t.event_id, coalesce(t.halted, ''), pg_is_in_recovery(),
    (SELECT event_id FROM events WHERE position = t.size),
    coalesce((SELECT position FROM events ORDER BY position DESC LIMIT 1), 0),
    t.signed, coalesce(c.size, 0), coalesce(c.note, ''), coalesce(c.keys, '')
FROM tlog_tree t
LEFT JOIN LATERAL (SELECT size, note, keys FROM tlog_checkpoint WHERE number = t.number ORDER BY size DESC LIMIT 1) c ON true
