package serve

import (
	"context"
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
	return api.Config{
		Store: b.store, Commands: b.sequencer, Queries: b.queries, Feed: b.feed, Admission: b.admission,
		Tokens: tokens, Signs: signer, Payments: payments, Uploads: filepath.Join(env.dataDir, "uploads"), Now: env.sh.Now,
		Log: env.log, Version: cli.ReadBuild().Version, Connections: b.connections,
		PublicURL: c.PublicURL, CORSOrigins: c.CORSOrigins, TimeZone: c.TimeZone, CoinsPerUnit: c.CoinsPerUnit,
		RequestTimeout: c.RequestTimeout, Settle: c.Settle,
		BodyBytes: c.BodyBytes, BodyTimeout: c.BodyTimeout, UploadBytes: c.UploadBytes, UploadTimeout: c.UploadTimeout,
		ReadsPerAddress: c.ReadsPerAddress, SignInsPerAddress: c.SignInsPerAddress, SignInsPerName: c.SignInsPerName,
		RegistrationsPerAddress: c.RegistrationsPerAddress, ChatRooms: c.ChatRooms, GuestChat: c.GuestChat,
		ChatRoomsPerAddress: c.ChatRoomsPerAddress, WritesPerUser: c.WritesPerUser, UploadsPerUser: c.UploadsPerUser,
		EventStreams: c.EventStreams,
	}, nil
}

// connections returns the connections of all nodes that match f.
func (b *backend) connections(ctx context.Context, f api.ConnectionFilter) (api.Connections, error) {
	survey, err := hub.Survey(ctx, b.cluster, hub.SurveyRequest(f))
	all := api.Connections{
		Sockets: make([]api.Connection, 0, len(survey.Connections)), Total: survey.Total, Nodes: survey.Nodes, Replied: survey.Answered,
	}
	for _, s := range survey.Connections {
		all.Sockets = append(all.Sockets, api.Connection{
			ID: s.ID, Node: s.Node, Dialect: s.Dialect, Users: append([]domain.UserID{}, s.Users...),
			Lives: append([]domain.LiveID{}, s.Lives...), Address: s.Address, Since: s.Since,
		})
	}
	return all, err
}
