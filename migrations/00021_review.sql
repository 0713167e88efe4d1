-- Comments that wait for a review, and reports of users. Owner: package projections.
-- +goose Up

-- Running projectors of an older roomlog see the new generation, compare the versions of the tables again, and halt.
UPDATE checkpoint SET generation = generation + 1 WHERE consumer_group = 'projections';
UPDATE read.projection SET version = 2 WHERE name = 'moderation' AND version = 1;
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE (SELECT format('COMMENT ON SCHEMA read IS %L', json_build_object('generation',
        coalesce((SELECT generation FROM checkpoint WHERE consumer_group = 'projections'), 0))));
END $$;
-- +goose StatementEnd

-- Comments that wait. A comment that was released or dropped has no row.
CREATE TABLE read.held_comment (
    live_id  bigint      NOT NULL CHECK (live_id > 0),
    held     bigint      NOT NULL CHECK (held > 0), -- number in the live
    position bigint      NOT NULL UNIQUE CHECK (position > 0),
    user_id  bigint      NOT NULL CHECK (user_id > 0),
    text     text        NOT NULL,
    cause    text        NOT NULL CHECK (cause IN ('word', 'first')),
    at       timestamptz NOT NULL,
    PRIMARY KEY (live_id, held)
);
CREATE INDEX held_comment_of_live ON read.held_comment (live_id, position);
CREATE INDEX held_comment_of_user ON read.held_comment (user_id);

CREATE TABLE read.report (
    live_id       bigint      NOT NULL CHECK (live_id > 0),
    report        bigint      NOT NULL CHECK (report > 0), -- number in the live
    position      bigint      NOT NULL UNIQUE CHECK (position > 0), -- of the first report of the target
    target_id     bigint      NOT NULL CHECK (target_id > 0),
    comment       bigint      NOT NULL CHECK (comment >= 0), -- position of the comment; 0: the user is reported
    at            timestamptz NOT NULL,
    claimer       text        NOT NULL DEFAULT '', -- name of the actor
    claimed_until bigint      NOT NULL DEFAULT 0 CHECK (claimed_until >= 0), -- Unix seconds
    decision      text        NOT NULL DEFAULT '' CHECK (decision IN ('', 'upheld', 'rejected')),
    decided       bigint      NOT NULL DEFAULT 0 CHECK (decided >= 0 AND (decided > 0) = (decision <> '')), -- position of the decision
    PRIMARY KEY (live_id, report)
);
CREATE INDEX report_of_live ON read.report (live_id, position);
CREATE INDEX report_open ON read.report (position) WHERE decision = '';
CREATE INDEX report_open_of_live ON read.report (live_id, position) WHERE decision = '';

-- What each user has reported. Reports of the same target belong to one report.
CREATE TABLE read.report_entry (
    live_id  bigint      NOT NULL CHECK (live_id > 0),
    report   bigint      NOT NULL CHECK (report > 0),
    user_id  bigint      NOT NULL CHECK (user_id > 0), -- who reports
    position bigint      NOT NULL UNIQUE CHECK (position > 0),
    cause    text        NOT NULL CHECK (cause <> ''),
    text     text        NOT NULL,
    at       timestamptz NOT NULL,
    PRIMARY KEY (live_id, report, user_id)
);
CREATE INDEX report_entry_of_user ON read.report_entry (user_id);

INSERT INTO read.projection (name, version) SELECT 'reviews', 1 WHERE EXISTS (SELECT FROM read.projection);
