-- What the receivers of webhooks have accepted, which is not in the log. Owned by package api/webhooks.
-- +goose Up

-- How far a webhook is: its receiver has accepted every selected event up to position, or the event is in one of the tables below.
-- A row whose start differs from that of the webhook is out of date.
CREATE TABLE webhook_cursor (
    webhook  text   PRIMARY KEY CHECK (webhook <> ''),
    start    uuid   NOT NULL,
    position bigint NOT NULL CHECK (position >= 0),
    cursor   text   NOT NULL CHECK (cursor <> ''), -- of the event at position, see eventstore.CursorOf
    halted   text   CHECK (halted <> '') -- why the webhook sends nothing until an operator has it replayed; NULL: it sends
);

-- Lives whose next event the receiver has not accepted. Their later events wait. 0 stands for the events of no live.
CREATE TABLE webhook_blocked (
    webhook  text        NOT NULL,
    live_id  bigint      NOT NULL CHECK (live_id >= 0),
    position bigint      NOT NULL CHECK (position > 0), -- of the next event
    since    timestamptz NOT NULL, -- first attempt without a success after it
    attempts int         NOT NULL CHECK (attempts >= 0), -- to send the next event
    retry_at timestamptz NOT NULL,
    status   int         NOT NULL, -- HTTP status of the last response; 0: none
    error    text        NOT NULL,
    PRIMARY KEY (webhook, live_id)
);

-- Dead letters: events that the receiver has not accepted in time.
CREATE TABLE webhook_dead (
    webhook  text        NOT NULL,
    position bigint      NOT NULL CHECK (position > 0),
    cursor   text        NOT NULL CHECK (cursor <> ''), -- of the event
    live_id  bigint      NOT NULL CHECK (live_id >= 0),
    type     text        NOT NULL CHECK (type <> ''),
    status   int         NOT NULL, -- HTTP status of the last response; 0: none
    error    text        NOT NULL,
    died_at  timestamptz NOT NULL,
    retry    boolean     NOT NULL DEFAULT false, -- whether an operator wants another attempt
    PRIMARY KEY (webhook, position)
);
CREATE INDEX webhook_dead_retry ON webhook_dead (webhook, position) WHERE retry;
