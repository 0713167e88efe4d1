package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	requestTimeout = 5 * time.Second  // maximum time for a response of the JetStream API
	ackTimeout     = 10 * time.Second // maximum time for the acknowledgement of a message

	// minMessage is the least size in bytes that a stream must accept. A message with all headers is much smaller.
	minMessage = 64 << 10
)

var (
	// ErrDiverged means that the stream does not continue the log. Nothing was written.
	ErrDiverged = errors.New("the stream does not continue the log")

	// ErrUnfit means that the bridge cannot use the stream, or cannot create it. Nothing was written.
	ErrUnfit = errors.New("the stream cannot be used")

	// errConflict means that somebody else has written the stream.
	errConflict = errors.New("another bridge has written the stream")
)

// stream is a JetStream stream with the log.
type stream struct {
	conn   *nats.Conn
	js     jetstream.JetStream
	config jetstream.StreamConfig // configuration of a new stream
	log    *slog.Logger
	limits string // limits of the stream that remove messages, as logged last
}

// openStream returns the stream with a name. It sends nothing.
func openStream(conn *nats.Conn, name string, replicas int, maxAge time.Duration, log *slog.Logger) (*stream, error) {
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncTimeout(ackTimeout), jetstream.WithDefaultTimeout(requestTimeout))
	if err != nil {
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	return &stream{conn: conn, js: js, log: log, config: jetstream.StreamConfig{
		Name: name, Subjects: []string{name + ".>"}, Description: "The event log of roomlog, copied by roomlog bridge",
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardOld, Storage: jetstream.FileStorage, Compression: jetstream.S2Compression,
		MaxMsgs: -1, MaxBytes: -1, MaxMsgsPerSubject: -1, MaxMsgSize: -1, MaxConsumers: -1, MaxAge: maxAge, Replicas: replicas,
	}}, nil
}

func (s *stream) name() string { return s.config.Name }

// newest is the newest message of a stream.
type newest struct {
	position int64       // sequence number; 0: the stream has never had a message
	header   nats.Header // header of the message; nil: the message was removed
}

// newest returns the newest message. It creates the stream if it is missing, and fails with ErrUnfit if its settings do not fit.
func (s *stream) newest(ctx context.Context) (newest, error) {
	info, err := s.info(ctx)
	if err != nil {
		return newest{}, err
	}
	if faults := faultsOf(info.Config); len(faults) > 0 {
		return newest{}, fmt.Errorf("%w: stream %s has %s. Change it with nats stream edit, or copy to another stream (--stream)", ErrUnfit, s.name(), strings.Join(faults, ", and "))
	}
	if limits := strings.Join(removing(info.Config), ", "); limits != s.limits {
		s.limits = limits
		s.log.InfoContext(ctx, "stream of NATS removes the oldest events", slog.String("nats_stream", s.name()), slog.String("reason", limits))
	}
	sequence := info.State.LastSeq
	if sequence == 0 {
		return newest{}, nil
	}
	header, err := s.header(ctx, sequence)
	if !errors.Is(err, jetstream.ErrMsgNotFound) {
		return newest{int64(sequence), header}, err
	}
	again, err := s.info(ctx)
	if err == nil && again.State.LastSeq != sequence {
		err = errConflict // messages were added, and the limits of the stream have removed this one
	}
	return newest{position: int64(sequence)}, err
}

// info returns the settings and the state of the stream. It creates the stream if it is missing.
func (s *stream) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	within, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	found, err := s.js.Stream(within, s.name())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return s.create(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", s.name(), explained(err))
	}
	return found.CachedInfo(), nil
}

func (s *stream) create(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	created, err := s.js.CreateStream(ctx, s.config)
	var refused *jetstream.APIError
	switch {
	case errors.As(err, &refused) && final(refused):
		return nil, fmt.Errorf("%w: the NATS server refuses to create stream %s: %s", ErrUnfit, s.name(), refused.Description)
	case err != nil:
		return nil, fmt.Errorf("create stream %s: %w", s.name(), explained(err))
	}
	s.log.InfoContext(ctx, "stream of NATS created", slog.String("nats_stream", s.name()))
	return created.CachedInfo(), nil
}

// Error codes of the JetStream API.
const (
	noPeers                = 10005 // too few servers of the cluster are there
	replicasWithoutCluster = 10074 // a server without a cluster should create replicas
)

// final reports whether a server will refuse to create the stream again, because its settings are wrong.
func final(refused *jetstream.APIError) bool {
	switch refused.ErrorCode {
	case noPeers, jetstream.JSErrCodeStreamNameInUse: // a server is starting; another bridge creates the stream
		return false
	case replicasWithoutCluster:
		return true
	}
	return refused.Code == http.StatusBadRequest
}

// explained returns err with advice for the operator.
func explained(err error) error {
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return fmt.Errorf("%w (the server is starting, or JetStream is not enabled for this user)", err)
	}
	return err
}

// faultsOf returns the settings with which a stream would not contain the log with its positions.
func faultsOf(c jetstream.StreamConfig) (faults []string) {
	want := []string{c.Name + ".>"}
	for fault, found := range map[string]bool{
		fmt.Sprintf("the subjects %s instead of %s alone, so that it would contain other messages", strings.Join(c.Subjects, ", "), want[0]): !slices.Equal(c.Subjects, want),
		fmt.Sprintf("retention %q instead of limits, which deletes what consumers have acknowledged", c.Retention):                           c.Retention != jetstream.LimitsPolicy,
		"discard policy new instead of old, which refuses events when the stream is full":                                                    c.Discard != jetstream.DiscardOld,
		"a mirror or sources, from which other messages come":                                                                                c.Mirror != nil || len(c.Sources) > 0,
		"a subject transform":  c.SubjectTransform != nil,
		"no acknowledgements":  c.NoAck,
		"been sealed":          c.Sealed,
		"server-side counters": c.AllowMsgCounter,
		fmt.Sprintf("a maximum message size of %d bytes, which must be at least %d", c.MaxMsgSize, minMessage): c.MaxMsgSize > 0 && c.MaxMsgSize < minMessage,
	} {
		if found {
			faults = append(faults, fault)
		}
	}
	slices.Sort(faults)
	return faults
}

// removing returns the settings with which a stream removes events after a while.
func removing(c jetstream.StreamConfig) (limits []string) {
	if c.MaxAge > 0 {
		limits = append(limits, fmt.Sprintf("maximum age %s", c.MaxAge))
	}
	for _, one := range []struct {
		name  string
		limit int64
	}{{"messages", c.MaxMsgs}, {"bytes", c.MaxBytes}, {"messages of a subject", c.MaxMsgsPerSubject}} {
		if one.limit > 0 {
			limits = append(limits, fmt.Sprintf("at most %d %s", one.limit, one.name))
		}
	}
	return limits
}

// header returns the header of the message with a sequence number. It fails with jetstream.ErrMsgNotFound if there is no such message.
func (s *stream) header(ctx context.Context, sequence uint64) (nats.Header, error) {
	_, header, err := s.get(ctx, messageRequest{Sequence: sequence})
	return header, err
}

// next returns the sequence number and the header of the first message with at least this sequence number. It fails with
// jetstream.ErrMsgNotFound if there is no such message.
func (s *stream) next(ctx context.Context, sequence uint64) (found uint64, header nats.Header, err error) {
	return s.get(ctx, messageRequest{Sequence: sequence, NextOf: ">"})
}

// messageRequest requests a message of a stream from the JetStream API.
type messageRequest struct {
	Sequence uint64 `json:"seq"`
	NextOf   string `json:"next_by_subj,omitempty"` // subject of the first message from Sequence on; "": the message Sequence itself
}

// get reads the sequence number and the header of a message. It asks the leader of the stream: other servers may be behind.
func (s *stream) get(ctx context.Context, r messageRequest) (found uint64, header nats.Header, err error) {
	sequence := r.Sequence
	request, err := json.Marshal(r)
	if err != nil {
		return 0, nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	reply, err := s.conn.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+s.name(), request)
	var response struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Sequence uint64 `json:"seq"`
			Header   []byte `json:"hdrs"`
		} `json:"message"`
	}
	if err == nil {
		err = json.Unmarshal(reply.Data, &response)
	}
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("read message %d of stream %s: %w", sequence, s.name(), explained(err))
	case response.Error != nil && response.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return 0, nil, jetstream.ErrMsgNotFound
	case response.Error != nil:
		return 0, nil, fmt.Errorf("read message %d of stream %s: %w", sequence, s.name(), response.Error)
	case len(response.Message.Header) == 0:
		return response.Message.Sequence, nats.Header{}, nil
	}
	header, err = nats.DecodeHeadersMsg(response.Message.Header)
	return response.Message.Sequence, header, err //nolint:wrapcheck // names the header
}

// publish adds messages after the message with sequence number after. The stream accepts each message only as the successor of the
// one before. After an error, the stream has none or some of the messages, without a gap. publish fails with errConflict if the
// stream has other messages.
func (s *stream) publish(after int64, messages []*nats.Msg) error {
	futures := make([]jetstream.PubAckFuture, 0, len(messages))
	var first error
	failed := after
	for i, m := range messages {
		failed = after + int64(i) + 1
		f, err := s.js.PublishMsgAsync(m, jetstream.WithExpectStream(s.name()), jetstream.WithExpectLastSequence(uint64(after)+uint64(i)))
		if err != nil {
			first = err
			break
		}
		futures = append(futures, f)
	}
	for i, f := range slices.Backward(futures) { // each ends after ackTimeout
		select {
		case <-f.Ok():
		case err := <-f.Err():
			first, failed = err, after+int64(i)+1 // the error of the earliest message is the cause of the later ones
		}
	}
	return s.outcome(failed, first)
}

// outcome returns the error of publish for the error of the message at a position.
func (s *stream) outcome(position int64, err error) error {
	var refused *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && (refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence || refused.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant):
		return errConflict
	case errors.Is(err, nats.ErrMaxPayload) || errors.As(err, &refused) && refused.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return fmt.Errorf("%w: the event at position %d is larger than a message may be: raise max_payload of the NATS servers and the maximum message size of stream %s", ErrUnfit, position, s.name())
	}
	return fmt.Errorf("publish position %d to stream %s: %w", position, s.name(), explained(err))
}
