package domain

import (
	"slices"
	"strings"
	"time"
)

// RecordingID names a recording; it is the BroadcastID of the stream that was recorded.
type RecordingID string

// RecordingCause is a word: why a recording has ended, or was deleted. Those who record have words of their own.
type RecordingCause string

// of says whether a show is the one that is recorded. One that was thought lost goes on as ID-TIME, and so does
// its recording, by its first name.
func (r RecordingID) of(show BroadcastID) bool {
	return string(show) == string(r) || strings.HasPrefix(string(show), string(r)+"-")
}

// recordingAsked is that somebody has asked for it.
const recordingAsked RecordingCause = "requested"

// RecordChoice is what a streamer wants of a room's streams; "" is that nobody has said anything.
type RecordChoice string

// The choices.
const (
	RecordOn  RecordChoice = "on"
	RecordOff RecordChoice = "off"
)

// Recording is what a decision needs of one.
type Recording struct {
	Live     LiveID `json:"live"` // 0: there is no such recording
	Finished bool   `json:"finished"`
	Deleted  bool   `json:"deleted"`
}

// maxRecordingParts is more than a Recorder makes.
const maxRecordingParts = 128

// SetRecording asks that the streams of one's own room be recorded, or not, from the next one on.
type SetRecording struct {
	Live LiveID `json:"live"`
	On   bool   `json:"on"` // true: recorded
}

// Type implements Command.
func (SetRecording) Type() string { return "live.set_recording" }

// Reads implements Command.
func (c SetRecording) Reads(Actor) []Stream { return []Stream{liveOf(c.Live)} }

func (c SetRecording) decide(see View) ([]Event, error) {
	live := see.Live(c.Live)
	choice := RecordOff
	if c.On {
		choice = RecordOn
	}
	switch {
	case live.Streamer == 0 || live.Streamer != see.Actor.User: // another's room is none of the asker's business
		return nil, refuse(CodeLiveNotFound, "there is no live %d of yours", c.Live)
	case live.Status == StatusEnded:
		return nil, refuse(CodeLiveEnded, "live %d has ended", c.Live)
	case live.Record == choice:
		return nil, nil
	}
	return []Event{LiveRecordingSet{c.Live, live.Streamer, choice}}, nil
}

// LiveRecordingSet says whether a streamer wants the room's streams recorded.
type LiveRecordingSet struct {
	Live     LiveID       `json:"live"`
	Streamer UserID       `json:"streamer"` // whose room it is
	Record   RecordChoice `json:"record"`   // on or off
}

// Type implements Event.
func (LiveRecordingSet) Type() string { return "live.recording_set.v1" }

// Stream implements Event.
func (e LiveRecordingSet) Stream() Stream { return liveOf(e.Live) }

// EventLive implements LiveEvent.
func (e LiveRecordingSet) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e LiveRecordingSet) EventUser() UserID { return e.Streamer }

func (e LiveRecordingSet) evolve(l Live) Live { l.Record = e.Record; return l }

// StartRecording says that a room's stream is being recorded.
type StartRecording struct {
	Live      LiveID      `json:"live"`
	Recording RecordingID `json:"recording"` // named like the stream
}

// Type implements Command.
func (StartRecording) Type() string { return "recording.start" }

// Reads implements Command.
func (c StartRecording) Reads(Actor) []Stream {
	return []Stream{recordingOf(c.Recording), liveOf(c.Live)}
}

func (c StartRecording) drawn() []string { return []string{string(c.Recording)} }

func (c StartRecording) decide(see View) ([]Event, error) {
	return startRecording(see, c.Live, c.Recording)
}

func startRecording(see View, live LiveID, id RecordingID) ([]Event, error) {
	room := see.Live(live)
	switch {
	case id == "":
		return nil, refuse(CodeBadRequest, "a recording has a name")
	case room.Streamer == 0:
		return nil, refuse(CodeLiveNotFound, "there is no live %d", live)
	case see.Recording(id).Live != 0:
		return nil, nil
	}
	return []Event{RecordingStarted{live, room.Streamer, id}}, nil
}

// RecordingStarted says that a room's stream is being recorded.
type RecordingStarted struct {
	Live      LiveID      `json:"live"`
	Streamer  UserID      `json:"streamer"`  // whose room it is
	Recording RecordingID `json:"recording"` // named like the stream
}

// Type implements Event.
func (RecordingStarted) Type() string { return "recording.started.v1" }

// Stream implements Event.
func (e RecordingStarted) Stream() Stream { return recordingOf(e.Recording) }

// EventLive implements LiveEvent.
func (e RecordingStarted) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e RecordingStarted) EventUser() UserID { return e.Streamer }

func (e RecordingStarted) evolve(r Recording) Recording { r.Live = e.Live; return r }

// RecordingPart is one file of a recording.
type RecordingPart struct {
	File       string    `json:"file"`        // its name
	StartedAt  time.Time `json:"started_at"`  // when its first frame came
	DurationMS int64     `json:"duration_ms"` // in milliseconds
	Bytes      int64     `json:"bytes"`       // that it has
	Media      MediaInfo `json:"media"`       // what it holds
}

func (p RecordingPart) sound() error {
	switch {
	case p.File == "" || len(p.File) > maxCodec || !printable(p.File):
		return refuse(CodeBadRequest, "a file has a name of at most %d bytes of printable ASCII", maxCodec)
	case p.DurationMS < 0 || p.Bytes < 0:
		return refuse(CodeNumberOutOfRange, "a file has no fewer than 0 bytes, and milliseconds")
	case !inTables(p.StartedAt):
		return refuse(CodeNumberOutOfRange, "a file has begun in a year of four digits")
	}
	return p.Media.sound()
}

// inTables says whether tables, and JSON, can hold a time.
func inTables(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// FinishRecording says that a recording is closed, and what it holds. What is said again is silent.
type FinishRecording struct {
	Live       LiveID          `json:"live"`
	Recording  RecordingID     `json:"recording"`
	Cause      RecordingCause  `json:"cause"`       // a word: why it has ended
	StartedAt  time.Time       `json:"started_at"`  // when it began
	EndedAt    time.Time       `json:"ended_at"`    // and ended
	DurationMS int64           `json:"duration_ms"` // of what there is to see, in milliseconds
	Bytes      int64           `json:"bytes"`       // that it takes
	Parts      []RecordingPart `json:"parts"`       // its files: at most 128
}

// Type implements Command.
func (FinishRecording) Type() string { return "recording.finish" }

// Reads implements Command.
func (c FinishRecording) Reads(Actor) []Stream {
	return []Stream{recordingOf(c.Recording), liveOf(c.Live)}
}

func (c FinishRecording) drawn() []string { return []string{string(c.Recording), string(c.Cause)} }

func (c FinishRecording) decide(see View) ([]Event, error) {
	events, err := startRecording(see, c.Live, c.Recording) // of which the log may not have heard
	recording := see.Recording(c.Recording)
	switch {
	case err != nil:
		return nil, err
	case recording.Finished || recording.Deleted:
		return nil, nil
	case c.Cause == "" || len(c.Cause) > maxCodec:
		return nil, refuse(CodeBadRequest, "a recording has ended for some reason, of at most %d bytes", maxCodec)
	case c.DurationMS < 0 || c.Bytes < 0 || len(c.Parts) > maxRecordingParts:
		return nil, refuse(CodeNumberOutOfRange, "a recording has no fewer than 0 bytes, and milliseconds, and at most %d files", maxRecordingParts)
	case !inTables(c.StartedAt) || !inTables(c.EndedAt):
		return nil, refuse(CodeNumberOutOfRange, "a recording has begun and ended in a year of four digits")
	}
	for _, p := range c.Parts {
		if err := p.sound(); err != nil {
			return nil, err
		}
	}
	return append(events, RecordingFinished{Live: c.Live, Streamer: see.Live(c.Live).Streamer, Recording: c.Recording, Cause: c.Cause,
		StartedAt: c.StartedAt.UTC(), EndedAt: c.EndedAt.UTC(), DurationMS: c.DurationMS, Bytes: c.Bytes, Parts: slices.Clone(c.Parts)}), nil
}

// RecordingFinished says that a recording is closed, and what it holds.
type RecordingFinished struct {
	Live       LiveID          `json:"live"`
	Streamer   UserID          `json:"streamer"`    // whose room it is
	Recording  RecordingID     `json:"recording"`   // named like the stream
	Cause      RecordingCause  `json:"cause"`       // why it has ended: as its stream did, or "disk_full", "quota", "interrupted", "parts", "failed"
	StartedAt  time.Time       `json:"started_at"`  // when it began
	EndedAt    time.Time       `json:"ended_at"`    // and ended
	DurationMS int64           `json:"duration_ms"` // of what there is to see, in milliseconds
	Bytes      int64           `json:"bytes"`       // that it takes
	Parts      []RecordingPart `json:"parts"`       // its files; a new one where the size or codec changed
}

// Type implements Event.
func (RecordingFinished) Type() string { return "recording.finished.v1" }

// Stream implements Event.
func (e RecordingFinished) Stream() Stream { return recordingOf(e.Recording) }

// EventLive implements LiveEvent.
func (e RecordingFinished) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e RecordingFinished) EventUser() UserID { return e.Streamer }

func (RecordingFinished) evolve(r Recording) Recording { r.Finished = true; return r }

// DeleteRecording asks to delete a recording of one's own room, or as an operator any. One that is not finished
// cannot be deleted while its stream is on.
type DeleteRecording struct {
	Live      LiveID      `json:"live"`
	Recording RecordingID `json:"recording"`
	Reason    string      `json:"reason"` // for the record: at most 100 characters, may be empty
}

// Type implements Command.
func (DeleteRecording) Type() string { return "recording.delete" }

// Reads implements Command.
func (c DeleteRecording) Reads(Actor) []Stream {
	return []Stream{recordingOf(c.Recording), liveOf(c.Live)}
}

func (c DeleteRecording) decide(see View) ([]Event, error) {
	live, recording := see.Live(c.Live), see.Recording(c.Recording)
	switch {
	case recording.Live == 0 || recording.Live != c.Live || recording.Deleted,
		live.Streamer != see.Actor.User && !see.User(see.Actor.User).HasRole(RoleOperator):
		return nil, refuse(CodeRecordingNotFound, "there is no recording %s of yours in live %d", c.Recording, c.Live)
	case !recording.Finished && c.Recording.of(live.Broadcast):
		return nil, refuse(CodeRecordingRunning, "recording %s is still being written", c.Recording)
	}
	reason, err := operatorReason(c.Reason)
	if err != nil {
		return nil, err
	}
	return []Event{RecordingDeleted{c.Live, live.Streamer, c.Recording, recordingAsked, reason}}, nil
}

// DiscardRecording deletes a recording that is closed, for its age or because others need its space.
type DiscardRecording struct {
	Live      LiveID         `json:"live"`
	Recording RecordingID    `json:"recording"`
	Cause     RecordingCause `json:"cause"` // a word
}

// Type implements Command.
func (DiscardRecording) Type() string { return "recording.discard" }

// Reads implements Command.
func (c DiscardRecording) Reads(Actor) []Stream {
	return []Stream{recordingOf(c.Recording), liveOf(c.Live)}
}

func (c DiscardRecording) drawn() []string { return []string{string(c.Recording), string(c.Cause)} }

func (c DiscardRecording) decide(see View) ([]Event, error) {
	recording := see.Recording(c.Recording)
	switch {
	case c.Cause == "" || len(c.Cause) > maxCodec:
		return nil, refuse(CodeBadRequest, "a recording is deleted for some reason, of at most %d bytes", maxCodec)
	case recording.Live == 0 || recording.Live != c.Live || recording.Deleted:
		return nil, nil
	}
	return []Event{RecordingDeleted{c.Live, see.Live(c.Live).Streamer, c.Recording, c.Cause, ""}}, nil
}

// RecordingDeleted says that a recording is deleted. Its files follow.
type RecordingDeleted struct {
	Live      LiveID         `json:"live"`
	Streamer  UserID         `json:"streamer"`  // whose room it is
	Recording RecordingID    `json:"recording"` // named like the stream
	Cause     RecordingCause `json:"cause"`     // "requested", "expired", "quota"
	Reason    string         `json:"reason"`    // why, when somebody gave a reason; may be empty
}

// Type implements Event.
func (RecordingDeleted) Type() string { return "recording.deleted.v1" }

// Stream implements Event.
func (e RecordingDeleted) Stream() Stream { return recordingOf(e.Recording) }

// EventLive implements LiveEvent.
func (e RecordingDeleted) EventLive() LiveID { return e.Live }

// EventUser implements UserEvent.
func (e RecordingDeleted) EventUser() UserID { return e.Streamer }

func (RecordingDeleted) evolve(r Recording) Recording { r.Deleted = true; return r }
