-- What the nodes of a cluster share beside the log. Owned by package eventstore/cluster.
-- +goose Up

-- Replies of the nodes to a survey. The node that asked reads and deletes them at once.
CREATE UNLOGGED TABLE survey_reply (
    survey     text        NOT NULL,
    node       text        COLLATE "C" NOT NULL,
    payload    bytea,      -- NULL: the node does not handle the topic
    created_at timestamptz NOT NULL,
    PRIMARY KEY (survey, node)
);
