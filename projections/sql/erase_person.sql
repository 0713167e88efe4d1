UPDATE person SET username = 'erased', nickname = 'erased', avatar = 'erased', credential = '', roles = '{}', forgotten = true
WHERE id = ANY ($1)
