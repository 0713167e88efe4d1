package httpserver

import (
	"log"
	"net/http"
	"time"

	"roomlog/internal/limit"
)

// Timeouts are the limits of the connections of a server.
type Timeouts struct {
	HeaderBytes   int           `default:"32768" min:"1024" max:"1048576" unit:"bytes" help:"Maximum size of the header of a request."`
	HeaderTimeout time.Duration `default:"10s" min:"100ms" max:"10m" help:"Maximum time for the header of a request to arrive."`
	IdleTimeout   time.Duration `default:"2m" min:"1s" max:"1h" help:"Time after which an HTTP connection without a request is closed."`
	StallTimeout  time.Duration `default:"10s" min:"100ms" max:"10m" help:"Time after which an HTTP connection is closed if no byte of a request body has arrived, or if the client has not accepted 32 KiB of a response."`
	BodyRate      int           `default:"1024" min:"1" max:"1073741824" unit:"bytes/s" help:"Minimum average rate at which the body of a request must arrive, counted after the first stall timeout."`
	SendBuffer    int           `default:"131072" min:"4096" max:"67108864" unit:"bytes" help:"Size of the buffer in which the kernel keeps the part of a response that an HTTP client has not read. The kernel doubles the number."`
}

// Config configures a server. Handler, Slots and Now are required.
type Config struct {
	Timeouts
	Handler  http.Handler
	Slots    *limit.Slots // one slot per connection until it is closed or hijacked
	Now      func() time.Time
	ErrorLog *log.Logger // receives the faults of clients; nil: the standard logger
}
