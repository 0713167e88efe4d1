-- The log and the tables that belong to it. Package eventstore owns all of them, except checkpoint.
-- +goose Up

-- One row that never changes: the id and the format of the log, and name_key, the key of the hash of usernames in names of
-- streams.
CREATE TABLE store (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    id       uuid    NOT NULL DEFAULT gen_random_uuid(),
    format   int     NOT NULL DEFAULT 1,
    name_key bytea   NOT NULL DEFAULT uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())
);
INSERT INTO store DEFAULT VALUES;

-- Events in the order of their commits. Positions are 1..N without a hole. payload and metadata are json, not jsonb, so that
-- their bytes stay as they were written. Names are compared by their bytes (COLLATE "C"), so that no update of the system's
-- locales damages an index.
CREATE TABLE events (
    position    bigint      PRIMARY KEY CHECK (position > 0),
    stream      text        COLLATE "C" NOT NULL,
    version     int         NOT NULL CHECK (version > 0),
    event_id    uuid        NOT NULL,
    type        text        COLLATE "C" NOT NULL,
    payload     json        NOT NULL,
    metadata    json        NOT NULL,
    live_id     bigint,
    recorded_at timestamptz NOT NULL,
    UNIQUE (stream, version)
);
CREATE INDEX events_live ON events (live_id, position) WHERE live_id IS NOT NULL;
CREATE INDEX events_type ON events (type, position);

-- The results of commands with an idempotency key. events is the number of events that the command appended. position is the
-- position of the last of these events, or the end of the log if there are none.
CREATE TABLE command (
    actor        text        COLLATE "C" NOT NULL,
    key          text        COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
    hash         bytea       NOT NULL,
    coins        boolean     NOT NULL, -- results of coin commands are kept for ever
    position     bigint      NOT NULL,
    events       int         NOT NULL,
    refusal      text,
    refusal_text text,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX command_old ON command (recorded_at) WHERE NOT coins;

-- States of long streams, so that no stream is read from its beginning. Rows may be deleted at any time.
CREATE TABLE snapshot (
    stream  text COLLATE "C" NOT NULL,
    version int  NOT NULL,
    format  int  NOT NULL,
    state   json NOT NULL,
    PRIMARY KEY (stream, version)
);

-- The keys that seal personal texts in the log. user_id is the id of a user, or the negative id of a participant of the chat.
-- Deleting the key of a user or participant makes their texts unreadable.
CREATE TABLE user_key (
    user_id bigint PRIMARY KEY,
    key     bytea  NOT NULL CHECK (length(key) = 32)
);

-- Password hashes. The event user.registered contains the id of a row. Hashes are never in the log.
CREATE TABLE credential (
    id         uuid        PRIMARY KEY,
    hash       text        NOT NULL,
    created_at timestamptz NOT NULL
);

-- Owned by package eventstore/consumer. position is the position up to which a consumer group has read. generation counts the
-- rebuilds whose tables were put into use.
CREATE TABLE checkpoint (
    consumer_group text   PRIMARY KEY,
    position       bigint NOT NULL DEFAULT 0,
    generation     bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- +goose StatementBegin
CREATE FUNCTION events_are_facts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on % is not possible', TG_OP, TG_TABLE_NAME
        USING HINT = 'Append an event that corrects the earlier one.';
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION coin_commands_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the results of coin commands are kept for ever: % on % is not possible', TG_OP, TG_TABLE_NAME
        USING HINT = 'Without them a repeated command would move the coins again.';
END $$;
-- +goose StatementEnd

CREATE TRIGGER events_are_facts BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    EXECUTE FUNCTION events_are_facts();
CREATE TRIGGER store_is_a_fact BEFORE UPDATE OR DELETE OR TRUNCATE ON store
    EXECUTE FUNCTION events_are_facts();
CREATE TRIGGER coin_commands_are_kept BEFORE UPDATE OR DELETE ON command
    FOR EACH ROW WHEN (OLD.coins) EXECUTE FUNCTION coin_commands_are_kept();
CREATE TRIGGER coin_commands_are_not_truncated BEFORE TRUNCATE ON command
    EXECUTE FUNCTION coin_commands_are_kept();
