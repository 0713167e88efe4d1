-- Writes table user_account of package projections.
UPDATE user_account SET username = 'erased', nickname = 'erased', avatar = 'erased', credential = '', roles = '{}', age = 0, forgotten = true
WHERE id = ANY ($1)
