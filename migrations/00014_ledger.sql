-- Refunds of gifts, and the accounts of operators. Owned by package projections.
-- +goose Up

-- Locks the checkpoint, so that the UPDATE below reads every event that the tables contain. Running projectors of an older
-- roomlog see the new generation, compare the versions of the tables again, and halt.
UPDATE checkpoint SET generation = generation + 1 WHERE consumer_group = 'projections';
UPDATE read.projection SET version = 2 WHERE name = 'sent_gifts' AND version = 1;
UPDATE read.projection SET version = 3 WHERE name = 'coins' AND version = 2;

-- The position of the event that has refunded the gift; NULL: the gift was not refunded.
ALTER TABLE read.gift_record ADD COLUMN refunded bigint CHECK (refunded > position);
-- The coins of a live are 0 when all its gifts were refunded.
ALTER TABLE read.live_coin DROP CONSTRAINT live_coin_coins_check, ADD CONSTRAINT live_coin_coins_check CHECK (coins >= 0);

-- received is the number of coins that gifts have added. It only grows: refunds do not change it.
ALTER TABLE read.coin ADD COLUMN received bigint NOT NULL DEFAULT 0 CHECK (received >= 0);
UPDATE read.coin SET received = balance WHERE account LIKE 'earnings-%';

-- The balances of the provider and of the operators are minus the numbers of coins that came from them. The account of
-- corrections may have any balance.
ALTER TABLE read.coin DROP CONSTRAINT coin_never_negative,
    ADD CONSTRAINT coin_never_negative CHECK (CASE WHEN account IN ('provider', 'operator') THEN balance <= 0 ELSE balance >= 0 OR account = 'correction' END);
ALTER TABLE read.coin_movement DROP CONSTRAINT coin_movement_check,
    ADD CONSTRAINT coin_movement_check CHECK (balance_after >= 0 OR account IN ('provider', 'operator', 'correction'));

-- The comment on schema read contains the generation of its tables.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE (SELECT format('COMMENT ON SCHEMA read IS %L', json_build_object('generation',
        coalesce((SELECT generation FROM checkpoint WHERE consumer_group = 'projections'), 0))));
END $$;
-- +goose StatementEnd
