package cluster_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"roomlog/eventstore"
	"roomlog/eventstore/cluster"
	"roomlog/eventstore/pgtest"
)

// A node replies to the surveys of other nodes, and any process can send a survey to all nodes.
func ExampleCluster_Survey() {
	ctx, cancel := context.WithCancel(context.Background())
	pool, err := eventstore.OpenPool(ctx, os.Getenv("DATABASE_URL"), eventstore.PoolOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	node := cluster.New(cluster.NewPostgres(pool), cluster.Config{Node: "a", Now: time.Now})
	node.OnSurvey("uptime", func(context.Context, []byte) ([]byte, error) { return []byte("5 minutes"), nil })
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	survey, err := node.Survey(ctx, "uptime", nil)
	if err != nil {
		log.Fatal(err)
	}
	for _, reply := range survey.Replies {
		fmt.Println(reply.Node, string(reply.Payload))
	}
	fmt.Println("no reply from", survey.Missing)
}

// TestExample runs the example on a database.
func TestExample(t *testing.T) { // not parallel: environment variables belong to the whole process
	t.Setenv("DATABASE_URL", pgtest.New(t).DSN)
	ExampleCluster_Survey()
}
