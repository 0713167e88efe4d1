package serve

import (
	"time"

	"github.com/nats-io/nats.go"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/internal/natsconn"
)

// openNATS opens the connection to the NATS servers, or returns nil if none are configured.
func openNATS(c *config, env *environment, l *layers, node string) (*nats.Conn, error) {
	if !c.nats.Set() {
		return nil, nil //nolint:nilnil // the node uses PostgreSQL alone
	}
	secrets, err := cli.NATSSecrets(env.sh.Getenv)
	if err != nil {
		return nil, err
	}
	conn, err := natsconn.Open(natsconn.Config{Settings: c.nats, Secrets: secrets, Name: "roomlog " + node, Log: env.log})
	if err != nil {
		return nil, err
	}
	l.add("NATS", func() error { conn.Close(); return nil })
	return conn, nil
}

// newTransport returns the transport of the cluster. conn is nil without NATS.
func newTransport(conn *nats.Conn, store *eventstore.Store, now func() time.Time) (cluster.Transport, error) {
	postgres := cluster.NewPostgres(store.Pool())
	if conn == nil {
		return postgres, nil
	}
	over, err := cluster.NewNATS(conn, store.ID(), now)
	if err != nil {
		return nil, err
	}
	return cluster.NewBoth(over, postgres), nil
}
