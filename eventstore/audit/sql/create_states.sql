-- Uses no table of roomlog.
-- The rows are written again and again; the free space in each page keeps most new versions of a row in its page.
CREATE TEMPORARY TABLE audit_state (
    stream text COLLATE "C" PRIMARY KEY,
    version int NOT NULL,
    unknown bool NOT NULL,
    state bytea
) WITH (fillfactor = 70)
