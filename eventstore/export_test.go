package eventstore

// SkipHistoryCheck makes q read the head of the log without looking for the event that the process knows. It is valid while no
// other process appends. Call it before Run.
func SkipHistoryCheck(q *Sequencer) {
	q.head = "SELECT clock_timestamp(), false, position, event_id, recorded_at, event_id FROM events WHERE $1 >= 0::bigint ORDER BY position DESC LIMIT 1"
}
