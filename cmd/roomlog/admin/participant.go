package admin

import (
	"context"
	"fmt"
	"time"

	"roomlog/cmd/roomlog/cli"
	"roomlog/domain"
)

type participantList struct{}

func (*participantList) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		if err := b.catchUpToHead(ctx); err != nil {
			return err
		}
		t := newTable(sh.Stdout, "ID", "NAME", "USER", "PROFILE", "CONNECTION", "ROOMS", "SINCE")
		for last := domain.ParticipantID(0); ; {
			participants, err := b.queries.Roster(ctx, last, pageSize)
			if err != nil {
				return err
			}
			for _, p := range participants {
				t.row(p.ID, orDash(p.Name()), p.User.ID, p.Profile, p.Connection, len(p.ChatRooms), p.EnteredAt.Format(time.DateTime))
				last = p.ID
			}
			if len(participants) < pageSize {
				return t.end("The chat has no participants.")
			}
		}
	})
}

type participantForget struct {
	reasonFlag  `embed:""`
	Participant int64 `min:"1" arg:"" help:"Number of the participant in the events participant.entered and message.posted."`
	Yes         bool  `help:"Confirm: the texts cannot be restored."`
}

func (participantForget) Help() string {
	return `Destroys the key of the name and the messages of a participant who was not signed in and has left the chat. The texts of
a signed-in user are erased by roomlog user forget.

  roomlog participant forget 17 --yes`
}

// AfterApply requires --yes, because the texts cannot be restored.
func (c *participantForget) AfterApply() error {
	if !c.Yes {
		return fmt.Errorf("this would erase the texts of participant %d for ever: confirm with --yes", c.Participant)
	}
	return c.reasonFlag.AfterApply()
}

func (c *participantForget) Run(ctx context.Context, g *cli.Globals, sh cli.Shell) error {
	return withBackend(ctx, g, sh, func(ctx context.Context, b *backend) error {
		receipt, err := b.execute(ctx, domain.ForgetParticipant{Participant: domain.ParticipantID(c.Participant), Reason: c.Reason})
		if err != nil {
			return err
		}
		if err := printDone(sh, receipt, "participant %d is erased", c.Participant); err != nil {
			return err
		}
		return b.rewriteFiles(ctx)
	})
}
