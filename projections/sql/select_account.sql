-- Reads table user_account of package projections.
SELECT id, username, nickname, avatar, credential, disabled OR forgotten FROM user_account WHERE name_key = $1
