package native

import (
	"context"
	"encoding/json"
	"log/slog"

	"roomlog/domain"
	"roomlog/internal/limit"
	"roomlog/internal/strictjson"
	"roomlog/realtime/hub"
)

// maxID is the maximum length of the id of a request in bytes.
const maxID = 64

// peer reads the frames of a connection and dispatches them to the session. It implements ws.Peer.
type peer struct {
	*session
	operations map[string]operation
}

// Text handles a frame.
func (p *peer) Text(message []byte) { p.serial.Do(func() { p.request(message) }) }

func (p *peer) request(message []byte) {
	var frame requestFrame
	if err := strictjson.Unmarshal(message, &frame); err != nil {
		var partial struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(message, &partial) // the part of the frame that could be decoded may contain the id
		p.sendError(partial.ID, malformedFrame(err))
		return
	}
	if len(frame.ID) > maxID {
		p.sendError("", badRequest("id must have at most 64 bytes"))
		return
	}
	ctx, cancel := context.WithTimeout(limit.WithAddress(context.Background(), p.conn.Address()), hub.CommandTimeout)
	defer cancel()
	op, known := p.operations[frame.Type]
	if !known {
		p.fail(ctx, frame, hub.NewProblem(codeUnknownType, "no frame has this type"))
		return
	}
	ctx, traced := p.Hub.Tracer().Start(ctx)
	data, err := p.handle(ctx, frame, op)
	switch {
	case err != nil:
		p.fail(ctx, frame, err)
	case data != nil:
		p.reply(frame.ID, data)
	}
	traced.End("native", op.name, hub.CodeOf(err))
}

// handle checks the access rule of a request and runs its handler. It returns the data of the reply, or nil if the
// reply was already sent.
func (p *peer) handle(ctx context.Context, frame requestFrame, op operation) (any, error) {
	if op.access != accessAnyone {
		switch identity := p.Identity(); {
		case identity.User == 0:
			return nil, hub.NewProblem(codeHelloFirst, "send hello with a token first")
		case p.Hub.Expired(identity):
			return nil, &domain.Refusal{Code: domain.CodeTokenExpired, Text: "the token has expired: send hello with a new one"}
		}
	}
	return op.run(ctx, p.session, request{frame, op.rate})
}

// fail sends an error. It logs an internal error, whose details the client does not receive.
func (p *peer) fail(ctx context.Context, frame requestFrame, err error) {
	problem, internal := hub.ProblemOf(err)
	if internal {
		p.Log.Log(ctx, hub.LevelOf(err), "request failed", slog.String("command", frame.Type),
			slog.Int64("user_id", int64(p.Identity().User)), slog.Any("error", err))
	}
	p.sendError(frame.ID, problem)
}

// Closed makes the connection leave its lives and the chat.
func (p *peer) Closed(uint16, string) { p.serial.Do(p.end) }
