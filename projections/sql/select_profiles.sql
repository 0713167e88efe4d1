-- Reads table user_account of package projections.
SELECT id, username, nickname, avatar, created_at FROM user_account WHERE id = ANY ($1)
