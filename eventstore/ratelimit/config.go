package ratelimit

import (
	"context"
	"errors"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/settings"
)

// Executor executes commands. eventstore.Sequencer implements it.
type Executor interface {
	Execute(ctx context.Context, r domain.Request) (eventstore.Receipt, error)
}

// Config configures a Limiter. The fields of the first group are required.
type Config struct {
	Commands Executor
	Now      func() time.Time

	JoinRate            float64 `default:"1" min:"0.001" max:"1000000" unit:"joins/s" help:"Joins of one user to lives, to the chat and to chat rooms, by all connections together. Each join is stored for ever, and so is the leave that follows."`
	JoinBurst           int     `default:"100" min:"1" max:"1000000" unit:"joins" help:"Joins accepted from one user at once, such as those of apps that reconnect."`
	ChangeRate          float64 `default:"2" min:"0.001" max:"1000000" unit:"commands/s" help:"Commands of one user that are no joins, comments, gifts or messages, by all connections together."`
	ChangeBurst         int     `default:"120" min:"1" max:"1000000" unit:"commands" help:"Commands accepted from one user at once that are no joins, comments, gifts or messages."`
	PostRate            float64 `default:"50" min:"0.001" max:"1000000" unit:"commands/s" help:"Comments, gifts and messages accepted from one user together. Each has a limit of its own below this one."`
	PostBurst           int     `default:"200" min:"1" max:"1000000" unit:"commands" help:"Comments, gifts and messages accepted from one user at once, all together."`
	CommandsPerAddress  float64 `default:"500" min:"0.001" max:"1000000" unit:"commands/s" help:"Commands of signed-in users accepted from one address (IPv6: one /64 network). Mobile networks put many users behind one address."`
	AddressBurst        int     `default:"10000" min:"1" max:"10000000" unit:"commands" help:"Commands of signed-in users accepted from one address at once."`
	AnonymousPerAddress float64 `default:"20" min:"0.001" max:"1000000" unit:"commands/s" help:"Commands without a sign-in accepted from one address, such as registrations and messages of anonymous participants."`
	AnonymousBurst      int     `default:"1000" min:"1" max:"1000000" unit:"commands" help:"Commands without a sign-in accepted from one address at once."`
	ChatRoomsPerAddress int     `default:"10" min:"1" max:"1000000" unit:"chat rooms/min" help:"Maximum rate of new chat rooms from one address."`
	ChatRoomsPerDay     int     `default:"50" min:"1" max:"1000000" unit:"chat rooms/day" help:"New chat rooms from one address in a day."`
}

func (c *Config) prepare() error {
	if c.Commands == nil || c.Now == nil {
		return errors.New("ratelimit: Commands and Now are required")
	}
	settings.Defaults(c)
	return settings.Check(c)
}
