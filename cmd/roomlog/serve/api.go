package serve

import (
	"context"
	"fmt"
	"path/filepath"

	"roomlog/api"
	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/media"
	"roomlog/realtime/hub"
)

func (c *Command) apiConfig(env *environment, b *backend, tokens *api.Tokens, signer *media.Signer) (api.Config, error) {
	payments, err := api.NewSharedSecret(env.secrets.payment)
	if err != nil {
		return api.Config{}, err
	}
	zone, err := api.Zone(c.TimeZone)
	if err != nil {
		return api.Config{}, err
	}
	return api.Config{
		Store: b.store, Commands: b.sequencer, Queries: b.queries, Feed: b.feed, Pool: b.pool,
		Tokens: tokens, Signs: signer, Payments: payments, Uploads: filepath.Join(env.dataDir, "uploads"), Now: env.sh.Now,
		Log: env.log, Version: cli.ReadBuild().Version, Connections: b.connections,
		PublicURL: c.PublicURL, Origins: c.CORSOrigins, Zone: zone, CoinsPerUnit: domain.Coins(c.CoinsPerUnit),
		RequestTimeout: c.RequestTimeout, Settle: c.SettleTimeout,
		BodyBytes: c.BodyBytes, BodyTimeout: c.BodyTimeout, UploadBytes: c.UploadBytes, UploadTimeout: c.UploadTimeout,
		SignInsByAddress: c.SignInsPerAddress, SignInsByName: c.SignInsPerName, RegistrationsByAddress: c.RegistrationsPerAddress,
		ChatRooms: c.MaxChatRooms, GuestChat: c.GuestChat, RoomsByAddress: c.RoomsPerAddress,
		WritesByUser: c.WritesPerUser, UploadsByUser: c.UploadsPerUser, EventStreams: c.EventStreams,
	}, nil
}

// connections returns the connections of all nodes that match f.
func (b *backend) connections(ctx context.Context, f api.SocketFilter) (api.Sockets, error) {
	survey, err := hub.SurveyConnections(ctx, b.store, hub.SurveyRequest(f))
	all := api.Sockets{Sockets: make([]api.Socket, 0, len(survey.Connections)), Total: survey.Total, Processes: survey.Nodes, Answered: survey.Answered}
	for _, s := range survey.Connections {
		all.Sockets = append(all.Sockets, api.Socket{
			ID: s.ID, Process: s.Node, Dialect: s.Dialect, Users: append([]domain.UserID{}, s.Users...),
			Rooms: liveNames(s.Lives), Address: s.Address, Since: s.Since,
		})
	}
	return all, err
}

// liveNames returns lives as the REST API names them.
func liveNames(lives []domain.LiveID) []string {
	names := make([]string, 0, len(lives))
	for _, live := range lives {
		names = append(names, fmt.Sprintf("live-%d", live))
	}
	return names
}
