-- Cosignatures of witnesses, and signed checkpoints that contradict the tree. Owned by package eventstore/transparency/tree.
-- +goose Up

-- The newest cosigned checkpoint of each witness, and the last one of each hour before. witness is the public key of the witness.
-- note contains the signatures of the server, which keys can check, and one cosignature.
CREATE TABLE tlog_cosignature (
    number      bigint      NOT NULL CHECK (number > 0),
    witness     text        NOT NULL CHECK (witness <> ''),
    size        bigint      NOT NULL CHECK (size > 0),
    note        text        NOT NULL,
    keys        text        NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (number, witness, size)
);

-- Evidence of a fork: checkpoints with a signature of this server that the tree does not contain.
CREATE TABLE tlog_fork (
    number      bigint      NOT NULL CHECK (number > 0),
    size        bigint      NOT NULL CHECK (size > 0),
    note        text        NOT NULL,
    keys        text        NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (number, size)
);
