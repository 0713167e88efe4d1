-- The read model: tables for queries, derived from the log. They belong to package projections. Each table has one projection
-- that writes it, and all of them can be rebuilt from the log. A rebuild fills the same tables in a second schema and renames the
-- schemas; therefore only search_path names this schema.
-- +goose Up
CREATE SCHEMA read;

-- The version of each projection that wrote the tables. Another version needs a rebuild.
CREATE TABLE read.projection (
    name    text PRIMARY KEY,
    version int  NOT NULL CHECK (version > 0)
);

-- Events that a projection could not apply, with the cause.
CREATE TABLE read.poison (
    position   bigint NOT NULL CHECK (position > 0),
    projection text   NOT NULL,
    type       text   NOT NULL,
    cause      text   NOT NULL,
    PRIMARY KEY (position, projection)
);

-- Users. (The name user would have to be quoted everywhere.) banned_until is in Unix seconds; 0: without an end; NULL: not banned.
CREATE TABLE read.user_account (
    id           bigint      PRIMARY KEY CHECK (id > 0),
    username     text        NOT NULL CHECK (username <> ''),
    nickname     text        NOT NULL,
    avatar       text        NOT NULL,
    name_key     text        NOT NULL UNIQUE,
    credential   text        NOT NULL,
    disabled     boolean     NOT NULL DEFAULT false,
    forgotten    boolean     NOT NULL DEFAULT false,
    banned_until bigint      CHECK (banned_until >= 0),
    roles        text[]      NOT NULL DEFAULT '{}',
    age          int         NOT NULL DEFAULT 0 CHECK (age >= 0),
    created_at   timestamptz NOT NULL,
    CHECK (NOT forgotten OR (username, nickname, avatar, credential, roles) = ('erased', 'erased', 'erased', '', '{}'::text[]))
) WITH (fillfactor = 90);

-- The newest session of each user; NULL: signed out.
CREATE TABLE read.session (
    user_id  bigint      PRIMARY KEY CHECK (user_id > 0),
    session  text        CHECK (session <> ''),
    since    timestamptz NOT NULL,
    position bigint      NOT NULL
) WITH (fillfactor = 70);

-- Lives. status: 0 not started, 1 on air, 2 paused, 3 ended. record: the owner's choice; '' is the default of the server.
CREATE TABLE read.live (
    id         bigint      PRIMARY KEY CHECK (id > 0),
    user_id    bigint      NOT NULL CHECK (user_id > 0),
    title      text        NOT NULL CHECK (title <> ''),
    cover      text        NOT NULL,
    stream_key text        NOT NULL UNIQUE,
    status     int         NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 3),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL CHECK (updated_at >= created_at),
    record     text        NOT NULL DEFAULT '' CHECK (record IN ('', 'on', 'off'))
) WITH (fillfactor = 90);
CREATE INDEX live_of_user ON read.live (user_id, id);

-- Broadcasts: one row for each publishing session, from its first frame to its last. A live has at most one at a time. video,
-- audio, width and height describe the beginning of the broadcast; '' and 0: unknown.
CREATE TABLE read.broadcast (
    id         text        PRIMARY KEY,
    live_id    bigint      NOT NULL CHECK (live_id > 0),
    node       text        NOT NULL,
    video      text        NOT NULL,
    width      int         NOT NULL,
    height     int         NOT NULL,
    audio      text        NOT NULL,
    started_at timestamptz NOT NULL,
    stopped_at timestamptz CHECK (stopped_at >= started_at),
    cause      text,
    bytes      bigint      NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    CHECK ((stopped_at IS NULL) = (cause IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX broadcast_current ON read.broadcast (live_id) WHERE stopped_at IS NULL;
CREATE INDEX broadcast_of_live ON read.broadcast (live_id, started_at);

-- Recordings of broadcasts. A deleted recording keeps its row, so that every node deletes its files.
CREATE TABLE read.recording (
    id          text        PRIMARY KEY,
    live_id     bigint      NOT NULL CHECK (live_id > 0),
    user_id     bigint      NOT NULL CHECK (user_id > 0),
    started_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    cause       text,
    duration_ms bigint      NOT NULL DEFAULT 0 CHECK (duration_ms >= 0),
    bytes       bigint      NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    parts       jsonb       NOT NULL DEFAULT '[]',
    deleted_at  timestamptz,
    CHECK ((ended_at IS NULL) = (cause IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX recording_of_live ON read.recording (live_id, started_at);

-- Users who are or were in a live. first_position is the position of the first join, joined_position of the newest one.
CREATE TABLE read.viewer (
    live_id         bigint      NOT NULL CHECK (live_id > 0),
    user_id         bigint      NOT NULL CHECK (user_id > 0),
    present         boolean     NOT NULL,
    node            text,
    first_position  bigint      NOT NULL,
    joined_position bigint      NOT NULL CHECK (joined_position >= first_position),
    joined_at       timestamptz NOT NULL,
    left_at         timestamptz,
    cause           text,
    PRIMARY KEY (live_id, user_id),
    CHECK (present = (node IS NOT NULL)),
    CHECK (present = (left_at IS NULL)),
    CHECK (present = (cause IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX viewer_present ON read.viewer (live_id, joined_position) WHERE present;
CREATE INDEX viewer_on_node ON read.viewer (node, live_id, user_id) WHERE present;
CREATE INDEX viewer_first ON read.viewer (live_id, first_position);
CREATE INDEX viewer_of_user ON read.viewer (user_id, first_position);

-- The number of present viewers of each live: the number of its rows in viewer with present = true.
CREATE TABLE read.live_online (
    live_id bigint PRIMARY KEY CHECK (live_id > 0),
    online  bigint NOT NULL CHECK (online >= 0)
) WITH (fillfactor = 50);

-- The number of different users who ever joined each live.
CREATE TABLE read.look_count (
    live_id bigint PRIMARY KEY CHECK (live_id > 0),
    viewers bigint NOT NULL CHECK (viewers > 0)
) WITH (fillfactor = 50);

-- Comments in lives. id is the id of the delta.
CREATE TABLE read.comment (
    position bigint      PRIMARY KEY,
    id       text        NOT NULL,
    live_id  bigint      NOT NULL CHECK (live_id > 0),
    user_id  bigint      NOT NULL CHECK (user_id > 0),
    text     text        NOT NULL CHECK (char_length(text) BETWEEN 1 AND 200),
    at       timestamptz NOT NULL
);
CREATE INDEX comment_in_live ON read.comment (live_id, position);
CREATE INDEX comment_of_user ON read.comment (user_id, position);

-- The gift catalogue. A withdrawn gift keeps its row with available = false.
CREATE TABLE read.gift (
    id        bigint  PRIMARY KEY CHECK (id > 0),
    name      text    NOT NULL CHECK (name <> ''),
    image     text    NOT NULL,
    price     bigint  NOT NULL CHECK (price > 0),
    available boolean NOT NULL
);

-- Gifts that were sent, with the name, image and price of that moment.
CREATE TABLE read.gift_record (
    position bigint      PRIMARY KEY,
    id       text        NOT NULL,
    live_id  bigint      NOT NULL CHECK (live_id > 0),
    streamer bigint      NOT NULL CHECK (streamer > 0),
    sender   bigint      NOT NULL CHECK (sender > 0),
    gift_id  bigint      NOT NULL CHECK (gift_id > 0),
    name     text        NOT NULL,
    image    text        NOT NULL,
    price    bigint      NOT NULL CHECK (price > 0),
    num      int         NOT NULL CHECK (num > 0),
    coins    bigint      NOT NULL CHECK (coins = price * num),
    at       timestamptz NOT NULL
);
CREATE INDEX gift_record_in_live ON read.gift_record (live_id, position);
CREATE INDEX gift_record_of_sender ON read.gift_record (sender, position);
CREATE INDEX gift_record_of_streamer ON read.gift_record (streamer, position);

-- The coins that each live received.
CREATE TABLE read.live_coin (
    live_id bigint PRIMARY KEY CHECK (live_id > 0),
    coins   bigint NOT NULL CHECK (coins > 0)
) WITH (fillfactor = 50);

-- The balance of every account. Only the balance of the provider is negative: it is minus the number of all coins ever sold.
CREATE TABLE read.coin (
    account  text   PRIMARY KEY,
    balance  bigint NOT NULL,
    position bigint NOT NULL, -- of the newest movement
    CONSTRAINT coin_never_negative CHECK (CASE WHEN account = 'provider' THEN balance <= 0 ELSE balance >= 0 END),
    CONSTRAINT coin_bounded CHECK (account NOT LIKE 'user-%' OR balance <= 9007199254740991)
) WITH (fillfactor = 50);

-- Every coin movement. seq numbers the postings of one event. claimed is the balance that the event contains; a CHECK rejects
-- an event with a wrong balance.
CREATE TABLE read.coin_movement (
    position      bigint      NOT NULL,
    seq           int         NOT NULL CHECK (seq >= 0),
    account       text        NOT NULL,
    amount        bigint      NOT NULL CHECK (amount <> 0),
    balance_after bigint      NOT NULL CHECK (balance_after >= 0 OR account = 'provider'),
    claimed       bigint      CONSTRAINT coin_movement_adds_up CHECK (claimed = balance_after),
    order_id      text,
    live_id       bigint,
    gift_id       bigint,
    at            timestamptz NOT NULL,
    PRIMARY KEY (position, seq)
);
CREATE INDEX coin_movement_of_account ON read.coin_movement (account, position);

-- E-mail addresses for signing in without a password. key is the keyed hash of the address.
CREATE TABLE read.email (
    user_id bigint PRIMARY KEY CHECK (user_id > 0),
    email   text   NOT NULL CHECK (email <> ''),
    key     text   UNIQUE -- NULL between user.email_added and email.claimed
);

-- Chat rooms that exist.
CREATE TABLE read.chat_room (
    id         text        PRIMARY KEY CHECK (id ~ '^[0-9a-f]{24}$'),
    name       text        NOT NULL CHECK (name <> ''),
    name_key   text        NOT NULL UNIQUE,
    user_id    bigint      NOT NULL CHECK (user_id >= 0), -- the creator; 0: an anonymous participant or an operator
    position   bigint      NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

-- Participants of the chat: one row for each connection. user_id 0: anonymous, with a nickname of its own.
CREATE TABLE read.participant (
    id         bigint      PRIMARY KEY CHECK (id > 0),
    connection text        NOT NULL CHECK (connection <> ''),
    profile    text        NOT NULL,
    user_id    bigint      NOT NULL CHECK (user_id >= 0),
    nickname   text        NOT NULL,
    name_key   text        NOT NULL,
    node       text        NOT NULL,
    entered_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX participant_on_node ON read.participant (node, id);
CREATE INDEX participant_of_user ON read.participant (user_id) WHERE user_id > 0;

-- The chat rooms that participants have joined.
CREATE TABLE read.chat_membership (
    chat_room_id    text   NOT NULL,
    participant_id  bigint NOT NULL CHECK (participant_id > 0),
    user_id         bigint NOT NULL CHECK (user_id >= 0),
    joined_position bigint NOT NULL CHECK (joined_position > 0),
    PRIMARY KEY (chat_room_id, participant_id)
) WITH (fillfactor = 80);
CREATE INDEX chat_membership_of_participant ON read.chat_membership (participant_id);
CREATE INDEX chat_membership_of_user ON read.chat_membership (user_id, joined_position) WHERE user_id > 0;

-- Messages of the chat: to one user, to one participant, to chat rooms (see message_chat_room), or to all participants
-- (public).
CREATE TABLE read.message (
    position       bigint      PRIMARY KEY,
    id             text        NOT NULL,
    participant_id bigint      NOT NULL CHECK (participant_id >= 0),
    connection     text        NOT NULL,
    user_id        bigint      NOT NULL CHECK (user_id >= 0 AND user_id + participant_id > 0),
    nickname       text        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('text', 'sticker', 'voice')),
    text           text        NOT NULL CHECK (char_length(text) BETWEEN 1 AND 1024),
    duration_ms    int         NOT NULL CHECK ((duration_ms > 0) = (kind = 'voice')),
    to_user        bigint      NOT NULL CHECK (to_user >= 0),
    to_participant bigint      NOT NULL CHECK (to_participant >= 0 AND (to_user = 0 OR to_participant = 0)),
    public         boolean     NOT NULL CHECK (NOT public OR to_user + to_participant = 0),
    at             timestamptz NOT NULL
);
CREATE INDEX message_public ON read.message (position) WHERE public;
CREATE INDEX message_of_user ON read.message (user_id, position) WHERE user_id > 0;
CREATE INDEX message_of_participant ON read.message (participant_id, position) WHERE user_id = 0;

-- The chat rooms of each message.
CREATE TABLE read.message_chat_room (
    chat_room_id text   NOT NULL,
    position     bigint NOT NULL,
    PRIMARY KEY (chat_room_id, position)
);
