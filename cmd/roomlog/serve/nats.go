package serve

import (
	"errors"
	"regexp"
	"time"

	"github.com/nats-io/nats.go"

	"roomlog/cmd/roomlog/cli"
	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/internal/natsconn"
)

// natsSecrets returns the password and the token for the NATS servers.
func natsSecrets(getenv func(string) string) (natsconn.Secrets, error) {
	password, err := cli.Variable(getenv, cli.NATSPassword)
	if err != nil {
		return natsconn.Secrets{}, err
	}
	token, err := cli.Variable(getenv, cli.NATSToken)
	return natsconn.Secrets{Password: password, Token: token}, err
}

// secretFlag matches the flags in errors about credentials.
var secretFlag = regexp.MustCompile(`--(nats|otlp)-[a-z]+`)

// checkNATS returns an error if the credentials for the NATS servers do not fit the settings, in the names that the user has used.
func (c *config) checkNATS(sh cli.Shell) error {
	secrets, err := natsSecrets(sh.Getenv)
	if err != nil {
		return err
	}
	if err := c.nats.CheckCredentials(secrets); err != nil {
		return errors.New(secretFlag.ReplaceAllStringFunc(err.Error(), func(flag string) string { return sh.Sources.NameOf(flag[2:]) }))
	}
	return nil
}

// openNATS opens the connection to the NATS servers, or returns nil if none are configured.
func openNATS(c *config, env *environment, l *layers, node string) (*nats.Conn, error) {
	if !c.nats.Set() {
		return nil, nil //nolint:nilnil // the node uses PostgreSQL alone
	}
	secrets, err := natsSecrets(env.sh.Getenv)
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
