-- Writes table checkpoint of package eventstore/consumer.
INSERT INTO checkpoint (consumer_group) VALUES ($1) ON CONFLICT (consumer_group) DO NOTHING
