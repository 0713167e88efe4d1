// Package bridge copies the log into a JetStream stream of NATS, for consumers outside roomlog.
//
// The message of an event has the position of the event as its sequence number, so a stream is the log from its first message on,
// without a gap and without a repetition. The bridge stores nothing itself: it continues after the newest message of the stream. It
// compares that message with the log before each batch, and every message is accepted only as the successor of the one before. So a
// bridge that was killed, and several bridges at once, copy every event exactly once.
//
// The bridge copies released events only: those that the read tables contain. It never changes or deletes a message. If the stream
// does not continue the log, for example because the log was restored to an earlier state, the bridge ends with [ErrDiverged] and
// writes nothing. Private fields leave the log only sealed, with keys that the bridge never sends.
package bridge
