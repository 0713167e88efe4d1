package broadcasts

import (
	"context"
	"encoding/json"

	"roomlog/domain"
	"roomlog/eventstore/cluster"
	"roomlog/media/record"
)

// topicRecordings is the topic of the survey of the running recordings of a live.
const topicRecordings = "media.recordings"

// RunningRecording describes a recording that a node is writing.
type RunningRecording struct {
	ID         domain.RecordingID     `json:"id"`
	DurationMS int64                  `json:"duration_ms"`
	Bytes      int64                  `json:"bytes"`
	Parts      []domain.RecordingPart `json:"parts"`
}

// AnswerSurveys replies to the surveys of a Directory about the running recordings of a recorder until stop is called.
func AnswerSurveys(c *cluster.Cluster, recorder *record.Recorder) (stop func()) {
	return c.OnSurvey(topicRecordings, func(_ context.Context, folder []byte) ([]byte, error) {
		all := []RunningRecording{}
		for _, rec := range recorder.List() {
			if rec.Folder != string(folder) || !rec.EndedAt.IsZero() {
				continue
			}
			running := RunningRecording{ID: domain.RecordingID(rec.ID), Bytes: rec.Bytes, Parts: partsOf(rec)}
			for _, p := range running.Parts {
				running.DurationMS += p.DurationMS
			}
			all = append(all, running)
		}
		return json.Marshal(all)
	})
}

// RunningRecordings returns the recordings of a live that are being written, on all nodes.
func (d *Directory) RunningRecordings(ctx context.Context, live domain.LiveID) ([]RunningRecording, error) {
	return survey[RunningRecording](ctx, d.cluster, topicRecordings, folderOf(live))
}
