package media

import (
	"net/http"
	"time"
)

// HLSConfig says how HLS is cut.
type HLSConfig struct{}

func (c HLSConfig) withDefaults() HLSConfig { return c }

type hlsDoor struct{ *Server }

func newHLSDoor(s *Server) *hlsDoor { return &hlsDoor{s} }

func (d *hlsDoor) serve(w http.ResponseWriter, _ *http.Request, _, _ string) { answer(w, 404) }
func (d *hlsDoor) sweep(time.Time)                                           {}
func (d *hlsDoor) close()                                                    {}
