SELECT format('row consumer_group %s: position %s is not in the log, which ends at %s', consumer_group, position, $1::bigint)
FROM checkpoint WHERE position > $1 OR position < 0 OR generation < 0 ORDER BY consumer_group LIMIT $2
