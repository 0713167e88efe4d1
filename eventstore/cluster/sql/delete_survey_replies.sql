-- Writes table survey_reply of package eventstore/cluster.
DELETE FROM survey_reply WHERE survey = $1
