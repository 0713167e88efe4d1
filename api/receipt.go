package api

import (
	"fmt"

	"roomlog/domain"
	"roomlog/eventstore"
)

// fact answers the event of type E among those that followed from a command, and its record.
func fact[E domain.Event](receipt eventstore.Receipt) (E, eventstore.Record, error) {
	for _, r := range receipt.Events {
		if e, ok := r.Event.(E); ok {
			return e, r, nil
		}
	}
	var none E
	return none, eventstore.Record{}, fmt.Errorf("no %s followed from the command", none.Type())
}
