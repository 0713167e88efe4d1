-- Tables that the nodes of a cluster share, in addition to the log. Owned by package eventstore/cluster.
-- +goose Up

-- Replies of the nodes to a survey. The node that sent the survey reads them, and deletes them when the survey ends.
CREATE UNLOGGED TABLE survey_reply (
    survey     text        NOT NULL,
    node       text        COLLATE "C" NOT NULL,
    payload    bytea,      -- NULL: the node does not handle the topic
    created_at timestamptz NOT NULL,
    PRIMARY KEY (survey, node)
);
