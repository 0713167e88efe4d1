-- Writes table gift_record of package projections.
INSERT INTO gift_record (position, id, live_id, streamer, sender, gift_id, name, image, price, num, coins, share, at)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::text[], $8::text[], $9::bigint[], $10::int[], $11::bigint[], $12::bigint[], $13::timestamptz[])
