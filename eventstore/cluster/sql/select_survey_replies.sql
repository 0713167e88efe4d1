-- Reads table survey_reply of package eventstore/cluster.
SELECT node, payload FROM survey_reply WHERE survey = $1 AND node <> ALL ($2::text[])
