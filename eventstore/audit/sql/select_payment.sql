-- Reads table events of package eventstore.
-- The position of the payment of the newest ticket before a position, which directly follows the ticket. $1 and $2 are the stream
-- of the visit and the types of the ticket, $3 and $4 the stream of the wallet and the types of the payment.
SELECT coalesce(max(paid.position), 0)
FROM events issued JOIN events paid ON paid.position = issued.position + 1
WHERE issued.stream = $1 AND issued.type = ANY($2) AND paid.stream = $3 AND paid.type = ANY($4) AND issued.position < $5
