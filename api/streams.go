package api

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

// listStreams returns all streams to operators, and to other users the streams of their own lives.
func (s *server) listStreams(ctx context.Context, _ *struct{}) ([]Stream, error) {
	all, err := s.Streams.Streams(ctx)
	if err != nil {
		return nil, err
	}
	user := requestOf(ctx).user
	visible := make([]Stream, 0, len(all))
	for _, stream := range all {
		if stream.UserID == user.ID || hasRole(user, domain.RoleOperator) {
			visible = append(visible, stream)
		}
	}
	return visible, nil
}

func (s *server) listPlayers(ctx context.Context, _ *LivePath) ([]StreamPlayer, error) {
	return s.Streams.Players(ctx, requestOf(ctx).live)
}

type streamKickInput struct {
	Body struct {
		Live   number          `json:"live,omitempty" example:"6" doc:"end the broadcast of this live"`
		Player domain.PlayerID `json:"player,omitempty" maxLength:"64" doc:"disconnect this player"`
		Reason string          `json:"reason,omitempty" example:"not allowed" maxLength:"100" doc:"for the record"`
	}
}

// kickStream ends the broadcast of a live or disconnects a player. It executes a command; every node then acts on the
// event.
func (s *server) kickStream(ctx context.Context, in *streamKickInput) (string, error) {
	kick := in.Body
	if (kick.Live != 0) == (kick.Player != "") {
		return "", badRequest("send either live or player")
	}
	if kick.Live != 0 {
		_, err := s.execute(ctx, domain.KickBroadcast{Live: domain.LiveID(kick.Live), Reason: kick.Reason})
		return "ok", err
	}
	live, found, err := s.Streams.LiveOfPlayer(ctx, kick.Player)
	if err == nil && !found {
		err = refusal(domain.CodeNoBroadcast, "there is no player %s", kick.Player)
	}
	if err != nil {
		return "", err
	}
	_, err = s.execute(ctx, domain.KickPlayer{Live: live, Player: kick.Player, Reason: kick.Reason})
	return "ok", err
}

// PublishKey is a new publish key in a response. It cannot be read again.
type PublishKey struct {
	PublishKey string `json:"publish_key" example:"pk_QYQMREMNZGVM47RAQYQMREMNZG" doc:"the argument sign of the encoder"`
	StreamKey  string `json:"stream_key" example:"L3V8KhRHin40gNug58zy?sign=pk_QYQMREMNZGVM47RAQYQMREMNZG" doc:"the stream key to enter in an encoder: KEY?sign=PUBLISH_KEY"`
}

type publishKeyInput struct {
	Body struct {
		ID number `json:"id" example:"6" doc:"id of the live"`
	}
}

// setPublishKey creates a publish key. An encoder that uses the earlier key is disconnected. A repeated request creates
// another key, because the first key is stored nowhere.
func (s *server) setPublishKey(ctx context.Context, in *publishKeyInput) (PublishKey, error) {
	key, hash := s.Signs.NewPublishKey()
	id := domain.LiveID(in.Body.ID)
	if _, err := s.execute(withoutIdempotencyKey(ctx), domain.SetPublishKey{Live: id, Hash: hash}); err != nil {
		return PublishKey{}, err
	}
	live, err := s.live(ctx, id)
	return PublishKey{key, live.StreamKey + "?sign=" + key}, err
}

func (s *server) revokePublishKey(ctx context.Context, in *publishKeyInput) (string, error) {
	_, err := s.execute(ctx, domain.RevokePublishKey{Live: domain.LiveID(in.Body.ID)})
	return "ok", err
}

// PublishKeyState describes the publish key of a live in a response.
type PublishKeyState struct {
	Set   bool       `json:"set"`
	SetAt *time.Time `json:"set_at" doc:"null without a publish key"`
}

func (s *server) readPublishKey(ctx context.Context, _ *LivePath) (PublishKeyState, error) {
	key, err := s.Queries.PublishKey(ctx, requestOf(ctx).live.ID)
	if errors.Is(err, projections.ErrNotFound) {
		return PublishKeyState{}, nil
	}
	return PublishKeyState{true, &key.SetAt}, err
}

type setRestreamInput struct {
	Body struct {
		ID     number `json:"id" example:"6" doc:"id of the live"`
		Target string `json:"target" example:"example" maxLength:"32" doc:"name of the target in the live: 1 to 32 characters of a-z, 0-9 and -; a target with the same name is replaced"`
		URL    string `json:"url" example:"rtmps://push.example/app" maxLength:"2048" doc:"address of the server: rtmp or rtmps; with the stream key as its last part if key is empty"`
		Key    string `json:"key,omitempty" example:"live_123" maxLength:"2048" doc:"stream key; it cannot be read again"`
	}
}

// setRestream sets a target to which the broadcasts of a live are pushed on. A repeated request sets it again.
func (s *server) setRestream(ctx context.Context, in *setRestreamInput) (string, error) {
	body := in.Body
	live := domain.LiveID(body.ID)
	url, secret, err := s.SealRestream(live, body.Target, body.URL, body.Key)
	if err != nil {
		return "", err
	}
	_, err = s.execute(withoutIdempotencyKey(ctx), domain.SetRestream{Live: live, Target: body.Target, URL: url, Secret: secret})
	return "ok", err
}

type removeRestreamInput struct {
	Body struct {
		ID     number `json:"id" example:"6" doc:"id of the live"`
		Target string `json:"target" example:"example" maxLength:"32" doc:"name of the target in the live"`
	}
}

func (s *server) removeRestream(ctx context.Context, in *removeRestreamInput) (string, error) {
	_, err := s.execute(ctx, domain.RemoveRestream{Live: domain.LiveID(in.Body.ID), Target: in.Body.Target})
	return "ok", err
}

func (s *server) listRestreams(ctx context.Context, _ *LivePath) ([]Restream, error) {
	return s.Streams.Restreams(ctx, requestOf(ctx).live.ID)
}

// RecordingsRoute begins the URLs of recording files: RecordingsRoute + LIVE/RECORDING/FILE?sign=…. cmd/roomlog
// registers the handler.
const RecordingsRoute = "/recordings/"

// Recording is a recording of a broadcast in a response.
type Recording struct {
	ID         domain.RecordingID `json:"id" example:"r-5f0c2a77"`
	Live       domain.LiveID      `json:"live_id"`
	Status     string             `json:"status" enum:"recording,finished"`
	Cause      string             `json:"cause" example:"stopped" doc:"why the recording ended: the cause of the end of its broadcast, or disk_full, quota, interrupted, parts, failed"`
	StartedAt  time.Time          `json:"started_at"`
	EndedAt    *time.Time         `json:"ended_at" doc:"null while it is being written"`
	DurationMS int64              `json:"duration_ms" doc:"duration of the media"`
	Bytes      int64              `json:"bytes"`
	Parts      []RecordingPart    `json:"parts" doc:"its files, in order; a new file starts where the size or a codec changed; while the recording is running, the last file grows"`
	IndexURL   string             `json:"index_url" example:"https://live.example/recordings/6/r-5f0c2a77/index.jsonl?sign=1602691779-4c4cde8b52e829a17a6baf5b6c404ada" doc:"index with one line for each fragment: its place in the file, its media time, its wall time"`
	HLSURL     string             `json:"hls_url" example:"https://live.example/recordings/6/r-5f0c2a77/index.m3u8?sign=1602691779-4c4cde8b52e829a17a6baf5b6c404ada" doc:"HLS playlist of the recording from its beginning; while the recording is running, the playlist grows"`
}

// RecordingPart is one file of a recording in a response.
type RecordingPart struct {
	URL        string           `json:"url" example:"https://live.example/recordings/6/r-5f0c2a77/part-0001.mp4?sign=1602691779-4c4cde8b52e829a17a6baf5b6c404ada" doc:"valid as long as a sign"`
	File       string           `json:"file" example:"part-0001.mp4"`
	StartedAt  time.Time        `json:"started_at"`
	DurationMS int64            `json:"duration_ms"`
	Bytes      int64            `json:"bytes"`
	Media      domain.MediaInfo `json:"media"`
}

type recordInput struct {
	Body struct {
		ID number `json:"id" doc:"id of the live"`
		On bool   `json:"on" doc:"whether broadcasts are recorded, from the next one on"`
	}
}

func (s *server) setRecording(ctx context.Context, in *recordInput) (string, error) {
	_, err := s.execute(ctx, domain.SetRecording{Live: domain.LiveID(in.Body.ID), On: in.Body.On})
	return "ok", err
}

type recordingsInput struct {
	ID   domain.LiveID `path:"id"`
	Page int           `query:"page" minimum:"1" maximum:"1000000" default:"1"`
}

func (s *server) listRecordings(ctx context.Context, in *recordingsInput) ([]Recording, error) {
	live, err := s.live(ctx, in.ID)
	if err == nil {
		err = s.checkRestricted(ctx, live)
	}
	if err != nil {
		return nil, err
	}
	found, err := s.Queries.Recordings(ctx, live.ID, in.Page, s.PageSize)
	if err != nil {
		return nil, err
	}
	user, err := s.optionalUser(ctx)
	if err != nil {
		return nil, err
	}
	var running []RunningRecording
	if slices.ContainsFunc(found, func(r projections.Recording) bool { return r.EndedAt.IsZero() }) {
		running = s.running.of(ctx, live.ID)
	}
	recordings := make([]Recording, 0, len(found))
	for _, r := range found {
		for _, now := range running {
			if now.ID == r.ID && r.EndedAt.IsZero() {
				r.Duration, r.Bytes, r.Parts = now.Duration, now.Bytes, now.Parts
			}
		}
		recordings = append(recordings, s.newRecording(ctx, r, user))
	}
	return recordings, nil
}

func (s *server) newRecording(ctx context.Context, r projections.Recording, user domain.UserID) Recording {
	folder := requestOf(ctx).baseURL + RecordingsRoute + strconv.FormatInt(int64(r.Live), 10) + "/" + string(r.ID) + "/"
	sign := "?sign=" + s.playSign(ctx, r.StreamKey, user)
	recording := Recording{
		ID: r.ID, Live: r.Live, Status: "recording", Cause: r.Cause, StartedAt: r.StartedAt,
		DurationMS: r.Duration.Milliseconds(), Bytes: r.Bytes, Parts: []RecordingPart{}, IndexURL: folder + "index.jsonl" + sign, HLSURL: folder + "index.m3u8" + sign,
	}
	if !r.EndedAt.IsZero() {
		recording.Status, recording.EndedAt = "finished", &r.EndedAt
	}
	for _, p := range r.Parts {
		recording.Parts = append(recording.Parts, RecordingPart{
			URL: folder + p.File + sign, File: p.File, StartedAt: p.StartedAt, DurationMS: p.DurationMS, Bytes: p.Bytes, Media: p.Media,
		})
	}
	return recording
}

type recordingDeletion struct {
	Body struct {
		ID        number             `json:"id" doc:"id of the live"`
		Recording domain.RecordingID `json:"recording" example:"r-5f0c2a77" minLength:"1" maxLength:"64"`
		Reason    string             `json:"reason,omitempty" example:"on request of the streamer" doc:"for the record: at most 100 characters"`
	}
}

func (s *server) deleteRecording(ctx context.Context, in *recordingDeletion) (string, error) {
	_, err := s.execute(ctx, domain.DeleteRecording{Live: domain.LiveID(in.Body.ID), Recording: in.Body.Recording, Reason: in.Body.Reason})
	return "ok", err
}
