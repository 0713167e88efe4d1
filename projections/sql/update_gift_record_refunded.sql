-- Writes table gift_record of package projections.
UPDATE gift_record SET refunded = n.refunded
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]) AS n (position, refunded, sender, streamer, coins, share)
WHERE gift_record.position = n.position AND gift_record.refunded IS NULL
    AND gift_record.sender = n.sender AND gift_record.streamer = n.streamer AND gift_record.coins = n.coins AND gift_record.share = n.share
