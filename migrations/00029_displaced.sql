-- Reports that have given their place to others. Owned by package projections.
-- +goose Up

-- Locks the checkpoint. Running projectors of an older roomlog see the new generation, compare the versions of the tables
-- again, and halt.
UPDATE checkpoint SET generation = generation + 1 WHERE consumer_group = 'projections';
UPDATE read.projection SET version = 2 WHERE name = 'reviews' AND version = 1;
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE (SELECT format('COMMENT ON SCHEMA read IS %L', json_build_object('generation',
        coalesce((SELECT generation FROM checkpoint WHERE consumer_group = 'projections'), 0))));
END $$;
-- +goose StatementEnd

ALTER TABLE read.report DROP CONSTRAINT report_decision_check,
    ADD CONSTRAINT report_decision_check CHECK (decision IN ('', 'upheld', 'rejected', 'displaced'));
