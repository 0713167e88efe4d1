// Package webhooks sends events of the log to the webhooks of operators.
//
// One process sends, the one that holds an advisory lock. [Deliverer] runs in every process that may send. For each webhook it
// reads the log from the cursor of the webhook, and sends each selected event in a signed request. Events of one live are sent in
// the order of the log, each after the receiver has accepted the one before. An event that is not accepted blocks the later events
// of its live only. It is sent again with growing pauses, and becomes a dead letter when the receiver has not accepted it in time.
//
// Every event is sent at least once. A receiver recognises a repetition by the header webhook-id, which is the same for every
// attempt. What receivers have accepted is stored in the tables of this package ([Tables]), not in the log, which therefore does
// not grow by sending. The package never follows a redirect and never connects to an address that the guard forbids.
package webhooks
