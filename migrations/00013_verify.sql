-- What makes deleted checkpoints and an edited generation visible to roomlog verify.
-- +goose Up

-- Owned by package eventstore/transparency/tree. previous is the size of the checkpoint before this one, by number and size; 0 for
-- the first one, NULL if unknown. signed is the size of the newest checkpoint of the tree.
ALTER TABLE tlog_checkpoint ADD previous bigint CHECK (previous >= 0);
UPDATE tlog_checkpoint c SET previous = p.size
FROM (SELECT number, size AS of, lag(size, 1, 0) OVER (ORDER BY number, size) AS size FROM tlog_checkpoint) p
WHERE c.number = p.number AND c.size = p.of;
ALTER TABLE tlog_tree ADD signed bigint NOT NULL DEFAULT 0 CHECK (signed >= 0);
UPDATE tlog_tree t SET signed = (SELECT coalesce(max(size), 0) FROM tlog_checkpoint c WHERE c.number = t.number);

-- The comment on schema read contains the generation of its tables. A migration that raises the generation also replaces it.
-- Owned by package projections.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE (SELECT format('COMMENT ON SCHEMA read IS %L', json_build_object('generation',
        coalesce((SELECT generation FROM checkpoint WHERE consumer_group = 'projections'), 0))));
END $$;
-- +goose StatementEnd
