package pack

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"os"

	"golang.org/x/mod/sumdb/tlog"

	"roomlog/eventstore/transparency"
)

// FileNames are the names of the files in a pack.
var FileNames = fileNames

// Assemble writes the pack of a log that consists of the given events, which need not follow any rule.
func Assemble(path string, keys *transparency.Keys, events iter.Seq[transparency.Event]) error {
	edge := &transparency.Edge{}
	for e := range events {
		edge.Append(e.Hash())
		edge.Flush()
	}
	c := transparency.Checkpoint{Origin: keys.Origin(), Tree: edge.Tree()}
	signed, err := keys.Sign(c)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	each := func(write func(io.Writer, transparency.Event) error) func(io.Writer) error {
		return func(to io.Writer) error {
			out := bufio.NewWriter(to)
			for e := range events {
				if err := write(out, e); err != nil {
					return err
				}
			}
			return out.Flush()
		}
	}
	a, b := archive{file: file}, newBook(1)
	m := Manifest{Format: format, Origin: c.Origin, TreeSize: c.N, From: 1, To: c.N, Before: []tlog.Hash{}, After: []tlog.Hash{}}
	_, err = a.add(checkpointFile, func(to io.Writer) error { _, err := to.Write(signed); return err })
	hashes, err2 := a.add(hashesFile, each(func(to io.Writer, e transparency.Event) error { h := e.Hash(); _, err := to.Write(h[:]); return err }))
	lines, err3 := a.add(eventsFile, each(func(to io.Writer, e transparency.Event) error { _, err := to.Write(appendLine(nil, &e)); return err }))
	if err := errors.Join(err, err2, err3); err != nil {
		return err
	}
	_, err = a.add(statementsFile, func(to io.Writer) error {
		s, err := newScanner(m, b, newKept(nil), to)
		return errors.Join(err, s.scan(context.Background(), lines, hashes))
	})
	_, err2 = a.add(trialBalanceFile, b.writeTrialBalance)
	m.Files = a.files
	_, err3 = a.add(manifestFile, m.write)
	return errors.Join(err, err2, err3, a.finish())
}
