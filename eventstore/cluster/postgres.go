package cluster

import (
	"context"
	_ "embed"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Each file contains one statement.
var (
	//go:embed sql/select_nodes.sql
	selectNodes string
	//go:embed sql/insert_survey_reply.sql
	insertSurveyReply string
	//go:embed sql/select_survey_replies.sql
	selectSurveyReplies string
	//go:embed sql/delete_survey_replies.sql
	deleteSurveyReplies string
)

const (
	// channel is the NOTIFY channel for the messages of all topics. A notification consists of the topic, a line feed
	// and the payload.
	channel = "roomlog_cluster"

	// nodePrefix begins the application_name of a member's connection. The name of the node follows.
	nodePrefix = "roomlog node "
)

// Postgres is the Transport that uses a PostgreSQL database. A member holds an advisory lock on a separate connection,
// on which it also receives the messages. Messages are notifications, and the replies to surveys are rows of the
// unlogged table survey_reply. Membership writes nothing to the database.
type Postgres struct{ pool *pgxpool.Pool }

var _ Transport = (*Postgres)(nil)

// NewPostgres returns a transport that uses the migrated database of pool.
func NewPostgres(pool *pgxpool.Pool) *Postgres { return &Postgres{pool} }

// Nodes returns the members that are alive now.
func (p *Postgres) Nodes(ctx context.Context) ([]string, error) {
	rows, err := p.pool.Query(ctx, selectNodes, nodePrefix)
	if err != nil {
		return nil, fmt.Errorf("read the locks of the nodes: %w", err)
	}
	nodes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read the locks of the nodes: %w", err)
	}
	return nodes, nil
}

// Publish sends m to all members with NOTIFY.
func (p *Postgres) Publish(ctx context.Context, m Message) error {
	if _, err := p.pool.Exec(ctx, "SELECT pg_notify($1, $2)", channel, m.Topic+"\n"+string(m.Payload)); err != nil {
		return fmt.Errorf("notify the nodes: %w", err)
	}
	return nil
}

// Reply inserts a reply into table survey_reply.
func (p *Postgres) Reply(ctx context.Context, inbox string, r Reply) error {
	if _, err := p.pool.Exec(ctx, insertSurveyReply, inbox, r.Node, r.Payload); err != nil {
		return fmt.Errorf("insert a reply: %w", err)
	}
	return nil
}

// OpenInbox returns the inbox of a survey. It does not use the database.
func (p *Postgres) OpenInbox(_ context.Context, id string) (Inbox, error) {
	return &inbox{pool: p.pool, id: id, seen: []string{}}, nil
}

// inbox reads the replies to one survey from table survey_reply.
type inbox struct {
	pool *pgxpool.Pool
	id   string
	seen []string // nodes whose replies were received
}

// Receive returns the replies that were inserted since the last call.
func (i *inbox) Receive(ctx context.Context) ([]Reply, error) {
	rows, err := i.pool.Query(ctx, selectSurveyReplies, i.id, i.seen)
	if err != nil {
		return nil, fmt.Errorf("read the replies: %w", err)
	}
	replies, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Reply])
	if err != nil {
		return nil, fmt.Errorf("read the replies: %w", err)
	}
	for _, r := range replies {
		i.seen = append(i.seen, r.Node)
	}
	return replies, nil
}

// Close deletes the replies to the survey.
func (i *inbox) Close(ctx context.Context) error {
	if _, err := i.pool.Exec(ctx, deleteSurveyReplies, i.id); err != nil {
		return fmt.Errorf("delete the replies: %w", err)
	}
	return nil
}
