package httpserver

import (
	"log"
	"net/http"
	"time"

	"roomlog/internal/limit"
)

// Timeouts are the limits of the connections of a server.
type Timeouts struct {
	HeaderBytes   int           `default:"32768" min:"1024" max:"1048576" unit:"bytes" help:"Size of the header of a request."`
	HeaderTimeout time.Duration `default:"10s" min:"100ms" max:"10m" help:"Time until the header of a request has arrived."`
	IdleTimeout   time.Duration `default:"2m" min:"1s" max:"1h" help:"Time that an HTTP connection may wait for its next request."`
	StallTimeout  time.Duration `default:"10s" min:"100ms" max:"10m" help:"Time after which an HTTP connection is closed while no bytes of a request body arrive, or while the client accepts less than 32 KiB of a response."`
	BodyRate      int           `default:"1024" min:"1" max:"1073741824" unit:"bytes/s" help:"Average rate at which the body of a request must arrive, after the first stall timeout."`
	SendBuffer    int           `default:"131072" min:"4096" max:"67108864" unit:"bytes" help:"Bytes of a response that the kernel keeps for an HTTP client that does not read. The kernel doubles the number."`
}

// Config configures a server. Handler, Slots and Now are required.
type Config struct {
	Timeouts
	Handler  http.Handler
	Slots    *limit.Slots // one slot per connection until it is closed or hijacked
	Now      func() time.Time
	ErrorLog *log.Logger // faults of clients; nil: the standard logger
}
