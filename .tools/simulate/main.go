// Command simulate predicts what a platform of many nodes costs, and how late its pushes are.
//
// It measures the costs of single things with a real PostgreSQL, a real NATS server and a few real nodes. It then sends the messages of a
// real relay to many emulated edges, which count the pushes that their viewers would receive. To check the prediction, it also predicts a
// run with some real nodes and compares it with that run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	if os.Getenv(serverEnv) != "" {
		if err := serveNATS(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "simulate: NATS:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		stop()
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	root                  string
	edges, viewers        int
	checkNodes, checkEach int
	fitNodes, fitEdges    int
	rate                  float64
	idle, load            time.Duration
	capacity              capacity
}

// maxRate is the rate of comments above which a node joins several pushes into one write (decision 38), so that the costs of a push are
// others.
const maxRate = 30

func parse(args []string, log io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.root, "root", "../..", "folder of the module to measure")
	flags.IntVar(&o.edges, "edges", 1000, "number of emulated edges")
	flags.IntVar(&o.viewers, "viewers", 1000, "number of viewers of each emulated edge")
	flags.IntVar(&o.checkNodes, "check", 20, "number of real nodes that check the prediction; 0: no check")
	flags.IntVar(&o.checkEach, "check-viewers", 50, "number of viewers of each of them")
	flags.IntVar(&o.fitNodes, "fit", 4, "number of real nodes that measure the costs")
	flags.IntVar(&o.fitEdges, "fit-edges", 100, "number of emulated edges that measure the cost of announcements")
	flags.Float64Var(&o.rate, "rate", 20, "comments per second in the live that all viewers watch")
	flags.DurationVar(&o.idle, "idle", 15*time.Second, "time of each measurement without comments")
	flags.DurationVar(&o.load, "load", 20*time.Second, "time of each measurement with comments")
	flags.Float64Var(&o.capacity.processors, "processors", 4, "processors of each machine of the platform: PostgreSQL, NATS, each node")
	flags.Float64Var(&o.capacity.gigabits, "gigabits", 10, "Gbit/s of the network of each of these machines")
	flags.Float64Var(&o.capacity.sessions, "sessions", 5000, "sessions that PostgreSQL permits")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.edges < 1 || o.viewers < 1 || o.fitNodes < 1 || o.fitEdges < 2 || o.checkNodes < 0 || o.checkEach < 1:
		return o, errors.New("-edges, -viewers, -fit and -check-viewers must be at least 1, -fit-edges at least 2, -check at least 0")
	case !(o.rate > 0 && o.rate <= maxRate):
		return o, fmt.Errorf("-rate must be at most %d comments per second (got %g): above it, nodes join pushes into one write", maxRate, o.rate)
	case o.idle < time.Second || o.load < time.Second:
		return o, errors.New("-idle and -load must be at least 1s")
	}
	return o, nil
}

func run(ctx context.Context, args []string, out, log io.Writer) (err error) {
	o, err := parse(args, log)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "roomlog-simulate-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	fmt.Fprintln(log, "building roomlog")
	program, err := build(ctx, o.root, dir)
	if err != nil {
		return err
	}
	p, err := startPlatform(ctx, program)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	simulate := func(s scenario) (*measurement, error) {
		s.rate, s.idle, s.load = o.rate, o.idle, o.load
		fmt.Fprintf(log, "%s: %d real nodes, %d emulated edges\n", s.name, s.nodes, s.edges)
		m, err := measure(ctx, p, s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		writeMeasurement(log, m)
		return m, nil
	}
	var fitted [4]*measurement
	for i, s := range []scenario{
		{name: "costs without nodes"},
		{name: "costs of announcements", edges: o.fitEdges, viewers: 1, announces: true},
		{name: "costs of few viewers", nodes: o.fitNodes, viewers: 5},
		{name: "costs of more viewers", nodes: o.fitNodes, viewers: 255},
	} {
		if fitted[i], err = simulate(s); err != nil {
			return err
		}
	}
	c := fit(fitted[0], fitted[1], fitted[2], fitted[3])
	writeCosts(out, c)
	if o.checkNodes > 0 {
		m, err := simulate(scenario{name: "check", nodes: o.checkNodes, viewers: o.checkEach})
		if err != nil {
			return err
		}
		writeCheck(out, c, m)
	}
	m, err := simulate(scenario{name: "simulation", edges: o.edges, viewers: o.viewers})
	if err != nil {
		return err
	}
	writeSimulation(out, c, m, o.capacity)
	return nil
}
