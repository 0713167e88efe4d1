package projtest

import (
	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/projections"
)

// WithFold returns all projections. The projection with this name calls fold with every E before its own handlers.
func WithFold[E domain.Event](name string, fold func(E)) []projections.Projection {
	all := projections.All()
	for i := range all {
		if p := &all[i]; p.Name == name {
			var zero E
			first := projections.Handler{Type: zero.Type(), Fold: func(_ any, r eventstore.Record) { fold(r.Event.(E)) }}
			p.Handlers = append([]projections.Handler{first}, p.Handlers...)
		}
	}
	return all
}

// WithVersion returns all projections. The projection with this name gets the given version.
func WithVersion(name string, version int) []projections.Projection {
	all := projections.All()
	for i := range all {
		if all[i].Name == name {
			all[i].Version = version
		}
	}
	return all
}
