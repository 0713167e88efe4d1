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

-- Replies of the nodes to a survey. The node that asked reads and deletes them at once. Owned by package eventstore/cluster.
CREATE UNLOGGED TABLE survey_reply (
    survey     text        NOT NULL,
    node       text        COLLATE "C" NOT NULL,
    payload    bytea,      -- NULL: the node does not handle the topic
    created_at timestamptz NOT NULL,
    PRIMARY KEY (survey, node)
);
