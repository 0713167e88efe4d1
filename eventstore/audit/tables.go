package audit

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
)

// maxRows is the maximum number of rows that are reported for one kind of fault.
const maxRows = 100

// CheckTables compares the tables that belong to the log with the inspected events. All events that tx can read must
// have been inspected.
func (a *Auditor) CheckTables(ctx context.Context, tx pgx.Tx) error {
	if a.ahead != nil {
		a.faults.Add(*a.ahead)
	}
	coins, registered, forgotten := eventTypes(movesCoins), eventTypes(isA[domain.UserRegistered]), eventTypes(isA[domain.UserForgotten])
	accesses, created := eventTypes(isA[domain.LiveAccessSet]), eventTypes(isA[domain.LiveCreated])
	prefixes, formats := stateFormats()
	for _, check := range []struct {
		table, sql string
		args       []any
	}{
		{"events", selectDoubledIDs, []any{maxRows}},
		{"command", selectWrongCommands, []any{a.position, coins, clockTolerance, maxRows}},
		{"command", selectMissingCommands, []any{a.position, coins, maxRows}},
		{"snapshot", selectStraySnapshots, []any{prefixes, formats, maxRows}},
		{"credential", selectWrongCredentials, []any{registered, forgotten, maxRows}},
		{"credential", selectWrongLiveCredentials, []any{accesses, maxRows, created, forgotten}},
		{"credential", selectStrayCredentials, []any{slices.Concat(registered, accesses), a.newest.Add(-unusedCredentialAge), maxRows}},
		{"checkpoint", selectWrongCheckpoints, []any{a.position, maxRows}},
		{"store", selectWrongStore, nil},
	} {
		rows, err := tx.Query(ctx, check.sql, check.args...)
		if err != nil {
			return fmt.Errorf("check table %s: %w", check.table, err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("check table %s: %w", check.table, err)
		}
		for _, text := range texts {
			a.faults.Add(Fault{Table: check.table, Text: text})
		}
	}
	if a.names > 0 && a.matchingNames == 0 {
		a.faults.Add(Fault{Table: "store", Text: "name_key does not lead to the keys of usernames in the log: nobody could sign in, and names could be taken twice"})
	}
	return a.checkKeys(ctx, tx)
}

// unusedCredentialAge is the age from which on a row of table credential without a user or live is a fault. A server deletes
// such a row after an hour.
const unusedCredentialAge = 24 * time.Hour

// checkKeys compares table user_key with the owners of personal texts. It does not check whether a key decrypts its
// texts: Inspect reports that as a fault of an event.
func (a *Auditor) checkKeys(ctx context.Context, tx pgx.Tx) error {
	missing := idSet{}
	a.owners.each(func(id int64) {
		if !a.forgotten.has(id) {
			missing.add(id)
		}
	})
	rows, err := tx.Query(ctx, "SELECT user_id FROM user_key ORDER BY user_id")
	if err != nil {
		return fmt.Errorf("check table user_key: %w", err)
	}
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error {
		missing.remove(id)
		switch {
		case a.forgotten.has(id):
			a.faults.Add(Fault{Table: "user_key", Text: fmt.Sprintf("row user_id %d: the key of a forgotten user or participant exists, and opens the erased texts", id)})
		case !a.owners.has(id):
			a.faults.Add(Fault{Table: "user_key", Text: fmt.Sprintf("row user_id %d: the log has no texts of this user or participant", id)})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("check table user_key: %w", err)
	}
	var lost []int64
	missing.each(func(id int64) { lost = append(lost, id) })
	slices.Sort(lost)
	for _, id := range lost[:min(len(lost), maxRows)] {
		a.faults.Add(Fault{Table: "user_key", Text: fmt.Sprintf("row user_id %d is missing: the texts of this user or participant cannot be read, although nobody has erased them", id)})
	}
	return nil
}

// eventTypes returns the types of all versions of the events for which match returns true.
func eventTypes(match func(domain.Event) bool) (types []string) {
	for _, spec := range domain.Events {
		if match(spec.Zero) {
			types = append(types, spec.Types()...)
		}
	}
	return types
}

func isA[E domain.Event](e domain.Event) bool { _, ok := e.(E); return ok }

// movesCoins reports whether e results only from commands that move coins.
func movesCoins(e domain.Event) bool {
	_, coins := e.(domain.CoinEvent)
	return coins || isA[domain.OrderPlaced](e) || isA[domain.OrderPaid](e)
}

// stateFormats returns the prefixes of the streams that have a state, and the format of each state.
func stateFormats() (prefixes []string, formats []int) {
	for _, spec := range domain.States {
		if !spec.Stateless {
			prefixes, formats = append(prefixes, spec.Prefix), append(formats, spec.Format)
		}
	}
	return prefixes, formats
}
