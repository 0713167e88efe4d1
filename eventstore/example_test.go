package eventstore_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

// The sequencer executes a command. When Execute returns, the events of the command can be read.
func ExampleSequencer_Execute() {
	ctx, cancel := context.WithCancel(context.Background())
	pool, err := eventstore.OpenPool(ctx, os.Getenv("DATABASE_URL"), eventstore.PoolOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	store, err := eventstore.Open(ctx, pool, eventstore.Config{Now: time.Now})
	if err != nil {
		log.Fatal(err)
	}
	sequencer := eventstore.NewSequencer(store, eventstore.SequencerConfig{})
	ended := make(chan error, 1)
	go func() { ended <- sequencer.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	receipt, err := sequencer.Execute(ctx, domain.Request{
		Command:        domain.AddGift{Name: "rose", Price: 10},
		Actor:          domain.Actor{Kind: domain.Operator},
		IdempotencyKey: "add the rose", // a repetition of the request with the same key gets the same receipt
	})
	if err != nil {
		log.Fatal(err)
	}
	page, err := store.Read(ctx, eventstore.Query{After: receipt.Position - 1})
	if err != nil {
		log.Fatal(err)
	}
	for _, record := range page.Events {
		fmt.Println(record.Position, record.Type, string(record.Payload))
	}
}

// Follow passes all events to a function, and continues as the log grows.
func ExampleStore_Follow() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	pool, err := eventstore.OpenPool(ctx, os.Getenv("DATABASE_URL"), eventstore.PoolOptions{})
	if err != nil {
		log.Fatal(err)
	}
	defer pool.Close()
	store, err := eventstore.Open(ctx, pool, eventstore.Config{Now: time.Now})
	if err != nil {
		log.Fatal(err)
	}
	err = store.Follow(ctx, 0, func(_ context.Context, records []eventstore.Record) error {
		for _, record := range records {
			if added, ok := record.Event.(domain.GiftAdded); ok {
				fmt.Println(added.Name)
				cancel()
			}
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}

// TestExamples runs the examples on a database.
func TestExamples(t *testing.T) { // not parallel: environment variables belong to the whole process
	t.Setenv("DATABASE_URL", pgtest.New(t).DSN)
	ExampleSequencer_Execute()
	ExampleStore_Follow()
}
