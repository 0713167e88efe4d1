package api

import (
	"context"
	"time"

	"roomlog/domain"
)

// Socket is a connection as operators see it.
type Socket struct {
	ID      domain.ConnectionID `json:"id" doc:"by which it can be kicked"`
	Process string              `json:"process" doc:"the server process that holds it"`
	Dialect string              `json:"dialect" enum:"native,socketio"`
	Users   []domain.UserID     `json:"users" doc:"in whose names it is here; empty: nobody's, or not known"`
	Rooms   []string            `json:"rooms" example:"live-6"`
	Address string              `json:"address" doc:"of the client; of IPv6 its network"`
	Since   time.Time           `json:"since"`
}

// Sockets is what the processes that hold connections answer.
type Sockets struct {
	Sockets   []Socket `json:"sockets" doc:"newest first, 1000 at most"`
	Total     int      `json:"total" doc:"of the processes that answered"`
	Processes int      `json:"processes" doc:"that hold connections"`
	Answered  int      `json:"answered" doc:"of them; the others did not within two seconds"`
}

// SocketFilter chooses connections; zero fields choose all.
type SocketFilter struct {
	ID   domain.ConnectionID
	User domain.UserID
	Live domain.LiveID
}

type socketQuery struct {
	ID   domain.ConnectionID `query:"id" maxLength:"64" doc:"only this one"`
	User domain.UserID       `query:"user" doc:"only those in this person's name"`
	Live domain.LiveID       `query:"live" doc:"only those in this room"`
}

func (s *server) listSockets(ctx context.Context, _ caller, in *socketQuery) (Sockets, error) {
	if _, err := s.holder(ctx, domain.RoleOperator); err != nil {
		return Sockets{}, err
	}
	return s.Connections(ctx, SocketFilter(*in))
}

type kick struct {
	Body struct {
		User       number              `json:"user,omitempty" doc:"every connection in this person's name"`
		Connection domain.ConnectionID `json:"connection,omitempty" doc:"this connection, as it is listed"`
		Reason     string              `json:"reason,omitempty" doc:"told the client: at most 100 characters"`
	}
}

// kick puts a person out, or one connection.
func (s *server) kick(ctx context.Context, c caller, in *kick) (string, error) {
	user, connection := domain.UserID(in.Body.User), in.Body.Connection
	switch {
	case (user == 0) == (connection == ""):
		return "", badRequest("user or connection, and not both")
	case user != 0:
		_, err := s.execute(ctx, c, domain.KickUser{User: user, Reason: in.Body.Reason})
		return "ok", err
	}
	if _, err := s.holder(ctx, domain.RoleOperator); err != nil { // nobody else may find out which there are
		return "", err
	}
	found, err := s.Connections(ctx, SocketFilter{ID: connection})
	if err == nil && found.Total == 0 && found.Answered == found.Processes {
		err = refusal(codeNoConnection, "there is no connection %.64q", connection)
	}
	if err != nil {
		return "", err
	}
	_, err = s.execute(ctx, c, domain.KickConnection{Connection: connection, Reason: in.Body.Reason})
	return "ok", err
}

type denyUser struct {
	Body struct {
		User    number `json:"user"`
		Seconds int64  `json:"seconds,omitempty" doc:"for how long; 0: for good"`
		Reason  string `json:"reason,omitempty" doc:"told the person: at most 100 characters"`
	}
}

// denyUser keeps a person out, whose rooms end if they are on air.
func (s *server) denyUser(ctx context.Context, c caller, in *denyUser) (string, error) {
	user := domain.UserID(in.Body.User)
	err := s.Queries.EndLives(ctx, user, func(lives []domain.LiveID) error {
		receipt, err := s.execute(ctx, c, domain.BanUser{User: user, Seconds: in.Body.Seconds, Reason: in.Body.Reason, Lives: lives})
		if err == nil && !s.reached(ctx, receipt.Position) {
			err = fail(domain.CodeBusy, "it is done, but for rooms that were begun at this moment: ask again", nil)
		}
		ctx = withoutKey(ctx) // a second time it would be answered with the first outcome
		return err
	})
	return "ok", err
}

type allowUser struct {
	Body struct {
		User number `json:"user"`
	}
}

func (s *server) allowUser(ctx context.Context, c caller, in *allowUser) (string, error) {
	_, err := s.execute(ctx, c, domain.UnbanUser{User: domain.UserID(in.Body.User)})
	return "ok", err
}

type denyViewer struct {
	Body struct {
		ID      number `json:"id" doc:"of the room"`
		User    number `json:"user"`
		Seconds int64  `json:"seconds,omitempty" doc:"for how long; 0: for good"`
		Reason  string `json:"reason,omitempty" doc:"told the person: at most 100 characters"`
	}
}

func (s *server) denyViewer(ctx context.Context, c caller, in *denyViewer) (string, error) {
	_, err := s.execute(ctx, c, domain.BanViewer{
		Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User), Seconds: in.Body.Seconds, Reason: in.Body.Reason,
	})
	return "ok", err
}

type allowViewer struct {
	Body struct {
		ID   number `json:"id" doc:"of the room"`
		User number `json:"user"`
	}
}

func (s *server) allowViewer(ctx context.Context, c caller, in *allowViewer) (string, error) {
	_, err := s.execute(ctx, c, domain.UnbanViewer{Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User)})
	return "ok", err
}
