-- Reads table checkpoint of package eventstore/consumer.
SELECT position, generation, event_id FROM checkpoint WHERE consumer_group = 'projections'{{if .lock}} FOR UPDATE{{end}}
