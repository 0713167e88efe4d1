-- Reads tables email, user_account of package projections.
SELECT e.user_id, e.email, u.disabled OR u.forgotten FROM email e JOIN user_account u ON u.id = e.user_id WHERE {{if .key}}e.key{{else}}e.user_id{{end}} = $1
