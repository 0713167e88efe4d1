-- Which connections there are.
-- +goose Up

-- The answers of the server processes to an operator who asks which connections there are. They are read at once
-- and deleted; nothing of them is in the log.
CREATE UNLOGGED TABLE roll_call (
    call     uuid        NOT NULL,
    process  text        NOT NULL,
    sockets  json        NOT NULL,
    total    int         NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (call, process)
);
