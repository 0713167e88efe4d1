package socketio

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"roomlog/eventstore/cluster"
	"roomlog/projections"
	"roomlog/projections/delivery"
	"roomlog/realtime/chat"
	"roomlog/realtime/hub"
	"roomlog/realtime/socketio/engineio"
	"roomlog/realtime/socketio/protocol"
)

// requestTimeout is the maximum time for handling one event of a client. It is longer than the timeout of the
// sequencer.
const requestTimeout = 15 * time.Second

// Config configures a Server. The fields of the first group are required.
type Config struct {
	Hub        *hub.Hub
	Chat       *chat.Chat
	Queries    *projections.Queries
	Deliveries *delivery.Recorder // counts the pushes of gifts; nil: they are not counted
	Cluster    *cluster.Cluster
	Now        func() time.Time

	Log       *slog.Logger      // receives the messages of the program; nil: none
	Assets    string            // folder with the client's script; "": the server has no script
	Engine    engineio.Config   // settings of connections; the server sets Open, Now and Log
	Recovery  protocol.Recovery // settings for the recovery of lost sockets; the server sets Restore
	GuestChat bool              // whether clients may chat under a nickname without signing in

	Namespaces []string `placeholder:"NAME" help:"Socket.IO namespaces in addition to /, like /chat. Clients can do the same in each of them, and share lives and chat rooms with all others. At most 15 names of up to 40 characters. Default: clients can connect to / only."`

	ListedViewers int `default:"50" min:"1" max:"100" unit:"viewers" help:"Maximum number of viewers in the viewer list that Socket.IO clients receive, and of socket ids in it. The list contains the newest viewers."`
}

const (
	maxNamespaces    = 15 // maximum number of namespaces besides "/", so that a client may connect to all: protocol.Config.MaxNamespaces
	maxNamespaceName = 40 // maximum length of a name in bytes, so that a public id has at most the 64 bytes that the chat accepts
)

// validNamespace matches the name of a namespace. Characters that separate the parts of a packet or of a URL are not in
// it.
var validNamespace = regexp.MustCompile(`^/[0-9A-Za-z._~/-]+$`)

// CheckSettings checks the names of the namespaces.
func (c *Config) CheckSettings() error {
	var faults []error
	known := make(map[string]bool)
	for _, name := range c.Namespaces {
		switch {
		case name == "/":
			faults = append(faults, errors.New("--namespaces must not contain /, to which clients can always connect"))
		case !validNamespace.MatchString(name) || len(name) > maxNamespaceName:
			faults = append(faults, fmt.Errorf("--namespaces must contain names like /chat, with up to %d letters, digits and characters of ._~/- (got %q)", maxNamespaceName, name))
		case known[name]:
			faults = append(faults, fmt.Errorf("--namespaces must not contain a name twice (got %q)", name))
		}
		known[name] = true
	}
	if len(c.Namespaces) > maxNamespaces {
		faults = append(faults, fmt.Errorf("--namespaces must contain at most %d names (got %d)", maxNamespaces, len(c.Namespaces)))
	}
	return errors.Join(faults...)
}

func (c *Config) check() error {
	if c.Hub == nil || c.Chat == nil || c.Queries == nil || c.Cluster == nil || c.Now == nil {
		return errors.New("socketio: Hub, Chat, Queries, Cluster and Now are required")
	}
	return c.CheckSettings()
}
