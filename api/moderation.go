package api

import (
	"context"

	"roomlog/domain"
)

type connectionsInput struct {
	ID   domain.ConnectionID `query:"id" maxLength:"64" doc:"only this connection"`
	User domain.UserID       `query:"user" minimum:"1" doc:"only connections of this user"`
	Live domain.LiveID       `query:"live" minimum:"1" doc:"only connections that have joined this live"`
}

func (s *server) listConnections(ctx context.Context, in *connectionsInput) (Connections, error) {
	return s.Connections(ctx, ConnectionFilter(*in))
}

type kickInput struct {
	Body struct {
		User       number              `json:"user,omitempty" example:"12" doc:"close every connection of this user"`
		Connection domain.ConnectionID `json:"connection,omitempty" doc:"close this connection"`
		Reason     string              `json:"reason,omitempty" example:"spam" doc:"sent to the client and recorded: at most 100 characters"`
	}
}

// kick closes the connections of a user, or one connection.
func (s *server) kick(ctx context.Context, in *kickInput) (string, error) {
	user, connection := domain.UserID(in.Body.User), in.Body.Connection
	if (user == 0) == (connection == "") {
		return "", badRequest("send either user or connection")
	}
	if user != 0 {
		_, err := s.execute(ctx, domain.KickUser{User: user, Reason: in.Body.Reason})
		return "ok", err
	}
	found, err := s.Connections(ctx, ConnectionFilter{ID: connection})
	if err == nil && found.Total == 0 && found.Replied == found.Nodes {
		err = refusal(codeNoConnection, "there is no connection %.64q", connection)
	}
	if err != nil {
		return "", err
	}
	_, err = s.execute(ctx, domain.KickConnection{Connection: connection, Reason: in.Body.Reason})
	return "ok", err
}

type userBanInput struct {
	Body struct {
		User    number `json:"user"`
		Seconds int64  `json:"seconds,omitempty" example:"3600" doc:"duration; 0: for good"`
		Reason  string `json:"reason,omitempty" example:"spam" doc:"sent to the user and recorded: at most 100 characters"`
	}
}

// banUser bans a user and ends the user's lives that are on air or paused.
func (s *server) banUser(ctx context.Context, in *userBanInput) (string, error) {
	user := domain.UserID(in.Body.User)
	err := s.Queries.EndLives(ctx, user, func(lives []domain.LiveID) error {
		receipt, err := s.execute(ctx, domain.BanUser{User: user, Seconds: in.Body.Seconds, Reason: in.Body.Reason, Lives: lives})
		if err == nil && !s.waitForTables(ctx, receipt.Position) {
			err = newFailure(domain.CodeBusy, "the user is banned, but a live that started at this moment may go on: repeat the request", nil)
		}
		ctx = withoutIdempotencyKey(ctx) // with the same key, the second command would return the result of the first
		return err
	})
	return "ok", err
}

type userUnbanInput struct {
	Body struct {
		User   number `json:"user"`
		Reason string `json:"reason,omitempty" example:"on appeal" doc:"for the record: at most 100 characters"`
	}
}

func (s *server) unbanUser(ctx context.Context, in *userUnbanInput) (string, error) {
	_, err := s.execute(ctx, domain.UnbanUser{User: domain.UserID(in.Body.User), Reason: in.Body.Reason})
	return "ok", err
}

type viewerBanInput struct {
	Body struct {
		ID      number `json:"id" doc:"id of the live"`
		User    number `json:"user"`
		Seconds int64  `json:"seconds,omitempty" example:"600" doc:"duration; 0: for good"`
		Reason  string `json:"reason,omitempty" example:"spam" doc:"sent to the user and recorded: at most 100 characters"`
	}
}

func (s *server) banViewer(ctx context.Context, in *viewerBanInput) (string, error) {
	_, err := s.execute(ctx, domain.BanViewer{
		Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User), Seconds: in.Body.Seconds, Reason: in.Body.Reason,
	})
	return "ok", err
}

type viewerUnbanInput struct {
	Body struct {
		ID     number `json:"id" doc:"id of the live"`
		User   number `json:"user"`
		Reason string `json:"reason,omitempty" example:"on appeal" doc:"for the record: at most 100 characters"`
	}
}

func (s *server) unbanViewer(ctx context.Context, in *viewerUnbanInput) (string, error) {
	_, err := s.execute(ctx, domain.UnbanViewer{
		Live: domain.LiveID(in.Body.ID), User: domain.UserID(in.Body.User), Reason: in.Body.Reason,
	})
	return "ok", err
}
