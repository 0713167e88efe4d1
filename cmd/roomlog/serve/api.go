package serve

import (
	"context"
	"path/filepath"

	"roomlog/api"
	"roomlog/api/payment"
	"roomlog/api/token"
	"roomlog/api/webhooks"
	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
	"roomlog/media"
	"roomlog/media/restream"
	"roomlog/realtime/hub"
	"roomlog/realtime/native"
)

func (c *config) apiConfig(env *environment, b *backend, tokens *token.Issuer, signer *media.Signer) (api.Config, error) {
	payments, err := payment.NewSharedSecret(env.secrets.payment)
	if err != nil {
		return api.Config{}, err
	}
	config := c.api
	config.Tracer = b.tracer
	config.Store, config.Events, config.Commands, config.Queries, config.Feed, config.Admission = b.store, b.events, b.clients, b.queries, b.feed, b.admission
	config.Tokens, config.Signs, config.Payments, config.Connections = tokens, signer, payments, b.connections
	sealer, err := restream.NewSealer(env.secrets.sign)
	if err != nil {
		return api.Config{}, err
	}
	config.SealRestream = func(live domain.LiveID, name, address, key string) (url, secret string, err error) {
		target, err := restream.ParseTarget(address, key)
		if err != nil {
			return "", "", &domain.Refusal{Code: domain.CodeBadRequest, Text: err.Error()}
		}
		secret, err = sealer.Seal(int64(live), name, target)
		return target.URL, secret, err
	}
	config.Uploads, config.Version = filepath.Join(env.dataDir, "uploads"), cli.ReadBuild().Version
	config.AsyncAPI = native.AsyncAPI
	config.RefuseUploads, config.WebhookKeys = env.folderless, webhooks.KeysOf(env.secrets.jwt)
	config.Now, config.Password, config.Log = env.sh.Now, env.sh.PasswordCost, env.log
	config.Witnesses, err = c.WitnessSettings.Open()
	return config, err
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
