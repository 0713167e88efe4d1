-- The transparency log: a Merkle tree over all events, and its signed checkpoints. The first server that starts fills it from the
-- log. Owned by package eventstore/transparency/tree.
-- +goose Up

-- Tiles of the tree (C2SP tlog-tiles): 1 to 256 hashes of 32 bytes. A tile only grows.
CREATE TABLE tlog_tile (
    level  int    NOT NULL CHECK (level BETWEEN 0 AND 7),
    index  bigint NOT NULL CHECK (index >= 0),
    hashes bytea  NOT NULL CHECK (octet_length(hashes) >= 32 AND octet_length(hashes) <= 8192 AND octet_length(hashes) % 32 = 0),
    PRIMARY KEY (level, index)
);
ALTER TABLE tlog_tile ALTER hashes SET STORAGE EXTERNAL;

-- One row: the tree contains the events up to position size, which is event_id. number is a part of the name of the tree and grows
-- when an operator begins a new tree. halted is the reason for which the tree does not grow until then.
CREATE TABLE tlog_tree (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    number   bigint  NOT NULL DEFAULT 1 CHECK (number > 0),
    size     bigint  NOT NULL DEFAULT 0 CHECK (size >= 0),
    event_id uuid,
    halted   text,
    CHECK ((size = 0) = (event_id IS NULL))
) WITH (fillfactor = 50);
INSERT INTO tlog_tree DEFAULT VALUES;

-- The newest signed checkpoint, and the last one of each hour before. keys are the public keys that can check the signatures.
CREATE TABLE tlog_checkpoint (
    number    bigint      NOT NULL CHECK (number > 0),
    size      bigint      NOT NULL CHECK (size > 0),
    note      text        NOT NULL,
    keys      text        NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (number, size)
);

-- +goose StatementBegin
CREATE FUNCTION tlog_tiles_grow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.level <> OLD.level OR NEW.index <> OLD.index OR substr(NEW.hashes, 1, octet_length(OLD.hashes)) <> OLD.hashes THEN
        RAISE EXCEPTION 'a tile of the transparency log only grows'
            USING HINT = 'Run roomlog audit restart to begin a new tree.';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER tlog_tiles_grow BEFORE UPDATE ON tlog_tile FOR EACH ROW EXECUTE FUNCTION tlog_tiles_grow();
