-- A fingerprint of the row of table store, which never changes. Package audit of eventstore compares both.
-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE (SELECT format('COMMENT ON TABLE store IS %L', 'The row never changes. Its fingerprint: '
        || encode(sha256(convert_to(id::text || ' ' || format::text || ' ' || encode(name_key, 'hex'), 'UTF8')), 'hex')) FROM store);
END $$;
-- +goose StatementEnd
