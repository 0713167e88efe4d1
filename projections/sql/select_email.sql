SELECT e.user_id, e.email, p.disabled OR p.forgotten FROM email e JOIN person p ON p.id = e.user_id WHERE e.key = $1 OR e.user_id = $2
