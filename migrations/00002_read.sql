-- What the log adds up to, for quick answers. Owned by package projections: each table has one
-- projection that writes it, and all of them can be made anew from the log. A rebuild makes the same
-- tables in a schema beside this one and renames; so nothing names this schema but the search_path.
-- +goose Up
CREATE SCHEMA read;

-- Which program's tables these are: a projection of another version needs a rebuild.
CREATE TABLE read.projection (
    name    text PRIMARY KEY,
    version int  NOT NULL CHECK (version > 0)
);

-- Events that a projection could not take, set aside with the cause. Coin projections set nothing aside.
CREATE TABLE read.poison (
    position   bigint NOT NULL CHECK (position > 0),
    projection text   NOT NULL,
    type       text   NOT NULL,
    cause      text   NOT NULL,
    PRIMARY KEY (position, projection)
);

-- People. (A table called user would have to be quoted everywhere: without, it is the database's own.)
CREATE TABLE read.person (
    id         bigint      PRIMARY KEY CHECK (id > 0),
    username   text        NOT NULL CHECK (username <> ''),
    nickname   text        NOT NULL,
    avatar     text        NOT NULL,
    name_key   text        NOT NULL UNIQUE,
    credential text        NOT NULL,
    disabled   boolean     NOT NULL DEFAULT false,
    forgotten  boolean     NOT NULL DEFAULT false,
    roles      text[]      NOT NULL DEFAULT '{}',
    age        int         NOT NULL DEFAULT 0 CHECK (age >= 0),
    created_at timestamptz NOT NULL,
    CHECK (NOT forgotten OR (username, nickname, avatar, credential, roles) = ('erased', 'erased', 'erased', '', '{}'::text[]))
) WITH (fillfactor = 90);

-- The newest session of each person; NULL: signed out.
CREATE TABLE read.session (
    user_id  bigint      PRIMARY KEY CHECK (user_id > 0),
    session  text        CHECK (session <> ''),
    since    timestamptz NOT NULL,
    position bigint      NOT NULL
) WITH (fillfactor = 70);

-- Rooms. Status: 0 not started, 1 on air, 2 paused, 3 ended.
CREATE TABLE read.live (
    id         bigint      PRIMARY KEY CHECK (id > 0),
    user_id    bigint      NOT NULL CHECK (user_id > 0),
    title      text        NOT NULL CHECK (title <> ''),
    cover      text        NOT NULL,
    key        text        NOT NULL UNIQUE,
    status     int         NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 3),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL CHECK (updated_at >= created_at),
    record     text        NOT NULL DEFAULT '' CHECK (record IN ('', 'on', 'off'))
) WITH (fillfactor = 90);
CREATE INDEX live_of_person ON read.live (user_id, id);

-- The streams of rooms, each from its first frame to its last. A room has one at a time. What it held is as
-- it was in the beginning; '' and 0 mean that nobody could tell.
CREATE TABLE read.show (
    id         text        PRIMARY KEY,
    live_id    bigint      NOT NULL CHECK (live_id > 0),
    process    text        NOT NULL,
    video      text        NOT NULL,
    width      int         NOT NULL,
    height     int         NOT NULL,
    audio      text        NOT NULL,
    started_at timestamptz NOT NULL,
    stopped_at timestamptz CHECK (stopped_at >= started_at),
    reason     text,
    bytes      bigint      NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    CHECK ((stopped_at IS NULL) = (reason IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX show_now ON read.show (live_id) WHERE stopped_at IS NULL;
CREATE INDEX show_of_live ON read.show (live_id, started_at);

-- What was recorded of streams, under their names. A deleted one keeps its row until its files are gone everywhere,
-- which nobody knows.
CREATE TABLE read.recording (
    id         text        PRIMARY KEY,
    live_id    bigint      NOT NULL CHECK (live_id > 0),
    user_id    bigint      NOT NULL CHECK (user_id > 0),
    began_at   timestamptz NOT NULL,
    ended_at   timestamptz,
    reason     text,
    length_ms  bigint      NOT NULL DEFAULT 0 CHECK (length_ms >= 0),
    bytes      bigint      NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    parts      jsonb       NOT NULL DEFAULT '[]',
    deleted_at timestamptz,
    CHECK ((ended_at IS NULL) = (reason IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX recording_of_live ON read.recording (live_id, began_at);

-- Who is or was in which room. first_position is of the first visit ever, joined of the newest.
CREATE TABLE read.viewer (
    live_id        bigint      NOT NULL CHECK (live_id > 0),
    user_id        bigint      NOT NULL CHECK (user_id > 0),
    present        boolean     NOT NULL,
    process        text,
    first_position bigint      NOT NULL,
    joined         bigint      NOT NULL CHECK (joined >= first_position),
    joined_at      timestamptz NOT NULL,
    left_at        timestamptz,
    cause          text,
    PRIMARY KEY (live_id, user_id),
    CHECK (present = (process IS NOT NULL)),
    CHECK (present = (left_at IS NULL)),
    CHECK (present = (cause IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX viewer_present ON read.viewer (live_id, joined) WHERE present;
CREATE INDEX viewer_held ON read.viewer (process, live_id, user_id) WHERE present;
CREATE INDEX viewer_first ON read.viewer (live_id, first_position);
CREATE INDEX viewer_of_person ON read.viewer (user_id, first_position);

-- How many people are in each room now: the rows of viewer that are present.
CREATE TABLE read.audience (
    live_id bigint PRIMARY KEY CHECK (live_id > 0),
    online  bigint NOT NULL CHECK (online >= 0)
) WITH (fillfactor = 50);

-- How many different people ever were in each room.
CREATE TABLE read.look_count (
    live_id bigint PRIMARY KEY CHECK (live_id > 0),
    looks   bigint NOT NULL CHECK (looks > 0)
) WITH (fillfactor = 50);

-- What was said. id is what a push of it is called by.
CREATE TABLE read.comment (
    position bigint      PRIMARY KEY,
    id       text        NOT NULL,
    live_id  bigint      NOT NULL CHECK (live_id > 0),
    user_id  bigint      NOT NULL CHECK (user_id > 0),
    text     text        NOT NULL CHECK (char_length(text) BETWEEN 1 AND 200),
    at       timestamptz NOT NULL
);
CREATE INDEX comment_in_live ON read.comment (live_id, position);
CREATE INDEX comment_of_person ON read.comment (user_id, position);

-- The shelf.
CREATE TABLE read.gift (
    id     bigint  PRIMARY KEY CHECK (id > 0),
    name   text    NOT NULL CHECK (name <> ''),
    image  text    NOT NULL,
    price  bigint  NOT NULL CHECK (price > 0),
    listed boolean NOT NULL
);

-- Gifts that were given, with name, image and price of the moment.
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

-- What was given in each room.
CREATE TABLE read.live_coin (
    live_id bigint PRIMARY KEY CHECK (live_id > 0),
    coins   bigint NOT NULL CHECK (coins > 0)
) WITH (fillfactor = 50);

-- The balance of every account. Only the provider's is negative: it is minus all coins ever sold.
CREATE TABLE read.coin (
    account  text   PRIMARY KEY,
    balance  bigint NOT NULL,
    position bigint NOT NULL, -- of the newest movement
    CONSTRAINT coin_never_negative CHECK (CASE WHEN account = 'provider' THEN balance <= 0 ELSE balance >= 0 END),
    CONSTRAINT coin_bounded CHECK (account NOT LIKE 'user-%' OR balance <= 9007199254740991)
) WITH (fillfactor = 50);

-- Every movement. seq counts the postings of one event. claimed is the balance that the event itself
-- says it led to, where it does: the table refuses an event that is wrong about it.
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

-- By which e-mail address somebody signs in without a password. key is the keyed hash of the address.
CREATE TABLE read.email (
    user_id bigint PRIMARY KEY CHECK (user_id > 0),
    email   text   NOT NULL CHECK (email <> ''),
    key     text   UNIQUE -- NULL between the two events that say so
);

-- Chat rooms that there are now.
CREATE TABLE read.room (
    id         text        PRIMARY KEY CHECK (id ~ '^[0-9a-f]{24}$'),
    name       text        NOT NULL CHECK (name <> ''),
    name_key   text        NOT NULL UNIQUE,
    user_id    bigint      NOT NULL CHECK (user_id >= 0), -- 0: somebody who was not signed in, or an operator
    position   bigint      NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

-- Who is in the chat now, by which connection. user_id 0: not signed in; the nickname is such a guest's.
CREATE TABLE read.guest (
    id         bigint      PRIMARY KEY CHECK (id > 0),
    connection text        NOT NULL CHECK (connection <> ''),
    profile    text        NOT NULL,
    user_id    bigint      NOT NULL CHECK (user_id >= 0),
    nickname   text        NOT NULL,
    name_key   text        NOT NULL,
    process    text        NOT NULL,
    entered_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX guest_held ON read.guest (process, id);
CREATE INDEX guest_of_person ON read.guest (user_id) WHERE user_id > 0;

-- Which guests are in which chat rooms. joined is the position of that.
CREATE TABLE read.seat (
    room     text   NOT NULL,
    guest_id bigint NOT NULL CHECK (guest_id > 0),
    user_id  bigint NOT NULL CHECK (user_id >= 0),
    joined   bigint NOT NULL CHECK (joined > 0),
    PRIMARY KEY (room, guest_id)
) WITH (fillfactor = 80);
CREATE INDEX seat_of_guest ON read.seat (guest_id);
CREATE INDEX seat_of_person ON read.seat (user_id, joined) WHERE user_id > 0;

-- What was said in the chat: to one person, to one guest, in rooms (see message_room), or to everybody.
CREATE TABLE read.message (
    position   bigint      PRIMARY KEY,
    id         text        NOT NULL,
    guest_id   bigint      NOT NULL CHECK (guest_id >= 0),
    connection text        NOT NULL,
    user_id    bigint      NOT NULL CHECK (user_id >= 0 AND user_id + guest_id > 0),
    nickname   text        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('text', 'sticker', 'voice')),
    text       text        NOT NULL CHECK (char_length(text) BETWEEN 1 AND 1024),
    ms         int         NOT NULL CHECK ((ms > 0) = (kind = 'voice')),
    to_user    bigint      NOT NULL CHECK (to_user >= 0),
    to_guest   bigint      NOT NULL CHECK (to_guest >= 0 AND (to_user = 0 OR to_guest = 0)),
    public     boolean     NOT NULL CHECK (NOT public OR to_user + to_guest = 0),
    at         timestamptz NOT NULL
);
CREATE INDEX message_public ON read.message (position) WHERE public;
CREATE INDEX message_of_person ON read.message (user_id, position) WHERE user_id > 0;
CREATE INDEX message_of_guest ON read.message (guest_id, position) WHERE user_id = 0;

-- In which chat rooms messages were said.
CREATE TABLE read.message_room (
    room     text   NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (room, position)
);
