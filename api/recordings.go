package api

import (
	"context"
	"strconv"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// RecordingsRoute is where the files of recordings are served, as RecordingsRoute/LIVE/RECORDING/FILE?sign=…
const RecordingsRoute = "/recordings/"

// Recording is what was recorded of a stream.
type Recording struct {
	ID     domain.RecordingID `json:"id"`
	Live   domain.LiveID      `json:"live_id"`
	Status string             `json:"status" enum:"recording,finished"`
	Reason string             `json:"reason" doc:"why it has ended: as its stream did, or disk_full, quota, interrupted, parts, failed"`
	Began  time.Time          `json:"began"`
	Ended  *time.Time         `json:"ended" doc:"null while it is being written"`
	Millis int64              `json:"length_ms" doc:"of what there is to see"`
	Bytes  int64              `json:"bytes"`
	Parts  []RecordingPart    `json:"parts" doc:"its files, one after another: a new one where the size or codec changed; known when it has ended"`
	Index  string             `json:"index_url" doc:"a line for each fragment: where it is in its file, when in the show, when on the clock"`
}

// RecordingPart is one file of a recording.
type RecordingPart struct {
	URL     string           `json:"url" doc:"good for as long as a sign"`
	File    string           `json:"file"`
	Began   time.Time        `json:"began"`
	Millis  int64            `json:"length_ms"`
	Bytes   int64            `json:"bytes"`
	Picture domain.MediaInfo `json:"picture" doc:"what it holds"`
}

type recordChoice struct {
	Body struct {
		ID number `json:"id"`
		On bool   `json:"on" doc:"whether the room's streams are recorded, from the next one on"`
	}
}

func (s *server) setRecording(ctx context.Context, c caller, in *recordChoice) (string, error) {
	_, err := s.execute(ctx, c, domain.SetRecording{Live: domain.LiveID(in.Body.ID), On: in.Body.On})
	return "ok", err
}

type recordingsOf struct {
	ID   domain.LiveID `path:"id"`
	Page int           `query:"page" minimum:"1" maximum:"1000000" default:"1"`
}

// listRecordings answers everybody: whoever may see a room may see what was recorded of it.
func (s *server) listRecordings(ctx context.Context, in *recordingsOf) ([]Recording, error) {
	live, err := s.live(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	found, err := s.Queries.Recordings(ctx, live.ID, in.Page, s.PageSize)
	all := make([]Recording, 0, len(found))
	for _, r := range found {
		all = append(all, s.recordingOf(ctx, r))
	}
	return all, err
}

func (s *server) recordingOf(ctx context.Context, r projections.Recording) Recording {
	folder := askerOf(ctx).base + RecordingsRoute + strconv.FormatInt(int64(r.Live), 10) + "/" + string(r.ID) + "/"
	sign := "?sign=" + s.Signs.Play(r.StreamKey)
	shown := Recording{ID: r.ID, Live: r.Live, Status: "recording", Reason: r.Cause, Began: r.StartedAt, Millis: r.Duration.Milliseconds(), Bytes: r.Bytes,
		Parts: []RecordingPart{}, Index: folder + "index.jsonl" + sign}
	if !r.EndedAt.IsZero() {
		shown.Status, shown.Ended = "finished", &r.EndedAt
	}
	for _, p := range r.Parts {
		shown.Parts = append(shown.Parts, RecordingPart{URL: folder + p.File + sign, File: p.File, Began: p.StartedAt, Millis: p.DurationMS, Bytes: p.Bytes, Picture: p.Media})
	}
	return shown
}

type recordingDeletion struct {
	Body struct {
		ID        number             `json:"id" doc:"of the room"`
		Recording domain.RecordingID `json:"recording" minLength:"1" maxLength:"64"`
	}
}

func (s *server) deleteRecording(ctx context.Context, c caller, in *recordingDeletion) (string, error) {
	_, err := s.execute(ctx, c, domain.DeleteRecording{Live: domain.LiveID(in.Body.ID), Recording: in.Body.Recording})
	return "ok", err
}
