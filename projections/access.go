package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// Access projects who may be in lives: the access of each live, its invitations and tickets, and the users who were let
// in.
var Access = Projection{
	Name: "access", Version: 2, Tables: []string{"live_access", "invitation", "viewer_pass", "ticket"},
	Handlers: []Handler{on(foldAccess), on(foldMinAge), on(foldInvitation), on(foldInvitationUsed), on(foldInvitationRevoked), on(foldAdmitted),
		on(foldTicketIssued), on(foldTicketReturned)},
	Write: writes(writeAccess),
}

type invitationKey struct {
	live domain.LiveID
	id   int64
}

type accessBatch struct {
	access   map[domain.LiveID]domain.LiveAccessSet
	minAge   map[domain.LiveID]int64
	created  []domain.InvitationCreated
	used     map[invitationKey]int64
	revoked  []domain.InvitationRevoked
	admitted map[ViewerKey]domain.ViewerAdmitted // users who were let in, with the newest password and the newest invitation of the batch

	issued   []Ticket
	valid    map[ViewerKey]int // index in issued of the newest ticket
	returned []Ticket          // tickets of earlier batches that are refunded, without the columns that do not change
}

func foldAccess(b *accessBatch, _ eventstore.Record, e domain.LiveAccessSet) {
	set(&b.access, e.Live, e)
}

func foldMinAge(b *accessBatch, _ eventstore.Record, e domain.LiveAgeSet) {
	set(&b.minAge, e.Live, int64(e.MinAge))
}

func foldInvitation(b *accessBatch, _ eventstore.Record, e domain.InvitationCreated) {
	b.created = append(b.created, e)
}

func foldInvitationUsed(b *accessBatch, _ eventstore.Record, e domain.InvitationUsed) {
	key := invitationKey{e.Live, e.Invitation}
	set(&b.used, key, b.used[key]+1)
}

func foldInvitationRevoked(b *accessBatch, _ eventstore.Record, e domain.InvitationRevoked) {
	b.revoked = append(b.revoked, e)
}

func foldAdmitted(b *accessBatch, _ eventstore.Record, e domain.ViewerAdmitted) {
	key := ViewerKey{e.Live, e.User}
	before := b.admitted[key]
	if e.Credential == "" {
		e.Credential = before.Credential
	}
	if e.Invitation == 0 {
		e.Invitation = before.Invitation
	}
	set(&b.admitted, key, e)
}

func foldTicketIssued(b *accessBatch, r eventstore.Record, e domain.TicketIssued) {
	set(&b.valid, ViewerKey{e.Live, e.User}, len(b.issued))
	b.issued = append(b.issued, Ticket{Position: r.Position, Live: e.Live, User: e.User, Coins: e.Coins, Share: e.Share, At: r.RecordedAt})
}

func foldTicketReturned(b *accessBatch, r eventstore.Record, e domain.TicketReturned) {
	if i, ok := b.valid[ViewerKey{e.Live, e.User}]; ok {
		b.issued[i].Returned, b.issued[i].Reason = r.Position, e.Reason
		return
	}
	b.returned = append(b.returned, Ticket{Live: e.Live, User: e.User, Returned: r.Position, Reason: e.Reason})
}

func writeAccess(b *accessBatch, tables *pgx.Batch) {
	if len(b.access) > 0 {
		var live, price []int64
		var access, credential []string
		for _, e := range b.access {
			live, price = append(live, int64(e.Live)), append(price, int64(e.Price))
			access, credential = append(access, string(e.Access)), append(credential, e.Credential)
		}
		tables.Queue(upsertLiveAccess, live, access, credential, price)
	}
	if len(b.minAge) > 0 {
		live, age := columns(b.minAge)
		tables.Queue(upsertLiveMinAge, live, age)
	}
	b.writeInvitations(tables)
	b.writeTickets(tables)
	if len(b.admitted) > 0 {
		var live, user, invitation []int64
		var credential []string
		for _, e := range b.admitted {
			live, user = append(live, int64(e.Live)), append(user, int64(e.User))
			credential, invitation = append(credential, e.Credential), append(invitation, e.Invitation)
		}
		tables.Queue(upsertViewerPass, live, user, credential, invitation)
	}
}

func (b *accessBatch) writeInvitations(tables *pgx.Batch) {
	var created, used, revoked struct{ live, id, uses, until []int64 }
	for _, e := range b.created {
		created.live, created.id = append(created.live, int64(e.Live)), append(created.id, e.Invitation)
		created.uses, created.until = append(created.uses, e.Uses), append(created.until, e.Until)
	}
	for key, n := range b.used {
		used.live, used.id, used.uses = append(used.live, int64(key.live)), append(used.id, key.id), append(used.uses, n)
	}
	for _, e := range b.revoked {
		revoked.live, revoked.id = append(revoked.live, int64(e.Live)), append(revoked.id, e.Invitation)
	}
	if len(created.live) > 0 {
		tables.Queue(insertInvitation, created.live, created.id, created.uses, created.until)
	}
	if len(used.live) > 0 {
		expect(len(used.live), tables.Queue(addInvitationUsed, used.live, used.id, used.uses))
	}
	if len(revoked.live) > 0 {
		expect(len(revoked.live), tables.Queue(deleteInvitation, revoked.live, revoked.id))
	}
}

// writeTickets writes refunds of older tickets first: their users may have bought another one.
func (b *accessBatch) writeTickets(tables *pgx.Batch) {
	var position, live, user, coins, share, returned []int64
	var at []time.Time
	var reason []string
	for _, t := range b.returned {
		live, user = append(live, int64(t.Live)), append(user, int64(t.User))
		returned, reason = append(returned, t.Returned), append(reason, t.Reason)
	}
	if len(live) > 0 {
		expect(len(live), tables.Queue(updateTicketReturned, live, user, returned, reason))
	}
	live, user, returned, reason = nil, nil, nil, nil
	for _, t := range b.issued {
		position, live, user = append(position, t.Position), append(live, int64(t.Live)), append(user, int64(t.User))
		coins, share, at = append(coins, int64(t.Coins)), append(share, int64(t.Share)), append(at, t.At)
		returned, reason = append(returned, t.Returned), append(reason, t.Reason)
	}
	if len(live) > 0 {
		tables.Queue(insertTicket, position, live, user, coins, share, at, returned, reason)
	}
}

// Ticket is a ticket for a live.
type Ticket struct {
	Position int64 // position of the event that has issued the ticket
	Live     domain.LiveID
	User     domain.UserID
	Coins    domain.Coins // what the user has paid
	Share    domain.Coins // the platform's share of the coins
	At       time.Time
	Returned int64  // position of the event that has refunded the ticket; 0: it was not refunded
	Reason   string // reason of the refund; "" if there was none
	Buyer    Profile
}

// TicketFilter selects tickets. Either Live or User must be set.
type TicketFilter struct {
	Live  domain.LiveID
	User  domain.UserID
	Valid bool // whether only tickets that were not refunded are returned
	Window
}

// Tickets returns a page of tickets, ordered by the positions at which they were issued.
func (q *Queries) Tickets(ctx context.Context, f TicketFilter) ([]Ticket, error) {
	after, before, limit := f.bounds()
	return many(ctx, q, "tickets", func(row pgx.CollectableRow) (t Ticket, err error) {
		err = row.Scan(&t.Position, &t.Live, &t.User, &t.Coins, &t.Share, &t.At, &t.Returned, &t.Reason, &t.Buyer.Username, &t.Buyer.Nickname, &t.Buyer.Avatar)
		t.At, t.Buyer.ID = t.At.UTC(), t.User
		return t, err
	}, selectTickets.With(sqltemplate.Options{"live": f.Live != 0, "valid": f.Valid, "oldest_first": f.OldestFirst}),
		pgx.NamedArgs{"live": f.Live, "user": f.User, "after": after, "before": before, "limit": limit})
}

// TicketPosition returns the position at which a user's ticket for a live was issued, or 0 if the user has none that is
// not refunded.
func (q *Queries) TicketPosition(ctx context.Context, live domain.LiveID, user domain.UserID) (int64, error) {
	return one(ctx, q, "ticket", pgx.RowTo[int64], selectTicketPosition, live, user)
}

// RefundTicket returns the command that refunds the ticket of a user for a live. The tables provide the ticket, the owner of
// the live, and the coins that the owner has received. The tables must have reached the head of the log.
func (q *Queries) RefundTicket(ctx context.Context, live domain.LiveID, user domain.UserID, reason string) (domain.RefundTicket, error) {
	position, err := q.TicketPosition(ctx, live, user)
	if err != nil {
		return domain.RefundTicket{}, err
	}
	c, err := q.RefundTickets(ctx, live, reason)
	c.User, c.Position = user, position
	return c, err
}

// RefundTickets returns a command like RefundTicket, without the user and the ticket. Read the tickets before: what the owner has
// received must contain their coins.
func (q *Queries) RefundTickets(ctx context.Context, live domain.LiveID, reason string) (domain.RefundTicket, error) {
	found, err := q.Live(ctx, live)
	if errors.Is(err, ErrNotFound) {
		return domain.RefundTicket{}, &domain.Refusal{Code: domain.CodeLiveNotFound, Text: fmt.Sprintf("there is no live %d", live)}
	}
	if err != nil {
		return domain.RefundTicket{}, err
	}
	received, err := q.Received(ctx, domain.EarningsAccount(found.UserID))
	return domain.RefundTicket{Live: live, Reason: reason, Streamer: found.UserID, Received: received}, err
}

// TicketSums are sums of the tickets for a live.
type TicketSums struct {
	Sold, Refunded int64        // number of tickets
	Coins, Share   domain.Coins // coins of the tickets that were not refunded, and the platform's share of them
}

// TicketSums returns the sums of the tickets for a live.
func (q *Queries) TicketSums(ctx context.Context, live domain.LiveID) (TicketSums, error) {
	return one(ctx, q, "sums of tickets", pgx.RowToStructByPos[TicketSums], selectTicketSums, live)
}

// Invitation is an invitation to a live that was not revoked.
type Invitation struct {
	ID    int64
	Uses  int64 // maximum number of users who use it
	Used  int64
	Until int64 // end of the invitation in Unix seconds; 0: none
}

// Invitations returns the invitations to a live, in the order of their ids.
func (q *Queries) Invitations(ctx context.Context, live domain.LiveID) ([]Invitation, error) {
	return many(ctx, q, "invitations", pgx.RowToStructByPos[Invitation], selectInvitations, live)
}

// LiveAccess describes who may be in a live.
type LiveAccess struct {
	Access     domain.AccessKind
	Credential string       // id of the hash of the password; "" if there is none
	Price      domain.Coins // price of a ticket; 0 unless the access is paid
	MinAge     int          // age in years that viewers need; 0: none
}

// LiveAccess returns the access of a live. A live without access, also one that does not exist, is open.
func (q *Queries) LiveAccess(ctx context.Context, live domain.LiveID) (LiveAccess, error) {
	found, err := many(ctx, q, "access of a live", pgx.RowToStructByPos[LiveAccess], selectLiveAccess, live)
	if err != nil || len(found) == 0 {
		return LiveAccess{Access: domain.AccessOpen}, err
	}
	return found[0], nil
}

// CheckViewer returns nil if a user may be in a live now, and a *domain.Refusal otherwise. User 0 stands for somebody
// who is not signed in. It does not check the status of the live and of its owner.
func (q *Queries) CheckViewer(ctx context.Context, live domain.LiveID, user domain.UserID, now time.Time) error {
	refused, err := q.CheckViewers(ctx, []ViewerKey{{live, user}}, now)
	if err != nil {
		return err
	}
	return refused[ViewerKey{live, user}]
}

// CheckViewers checks many viewers like CheckViewer, with one query. It returns a *domain.Refusal for each viewer that
// may not be in the live.
func (q *Queries) CheckViewers(ctx context.Context, viewers []ViewerKey, now time.Time) (refused map[ViewerKey]error, err error) {
	if len(viewers) == 0 {
		return nil, nil
	}
	var lives, users []int64
	for _, v := range viewers {
		lives, users = append(lives, int64(v.Live)), append(users, int64(v.User))
	}
	all, err := many(ctx, q, "access of viewers", scanViewerAccess, selectViewerAccess, lives, users)
	if err != nil {
		return nil, err
	}
	refused = make(map[ViewerKey]error)
	for _, a := range all {
		if err := a.check(now); err != nil {
			refused[a.ViewerKey] = err
		}
	}
	return refused, nil
}

// viewerAccess decides whether a user may be in a live.
type viewerAccess struct {
	ViewerKey
	status  domain.UserStatus
	ban     domain.Ban // ban from the live; zero if there is none
	access  domain.AccessKind
	minAge  int
	entrant domain.Entrant
}

func scanViewerAccess(row pgx.CollectableRow) (a viewerAccess, err error) {
	var bannedUntil, bannedFromLiveUntil *int64
	err = row.Scan(&a.Live, &a.User, &a.status.Exists, &a.status.Disabled, &a.status.Forgotten, &bannedUntil, &bannedFromLiveUntil,
		&a.access, &a.minAge, &a.entrant.Moderates, &a.entrant.Invited, &a.entrant.Follows, &a.entrant.Password, &a.entrant.Ticket, &a.entrant.Age)
	a.status.Ban, a.ban = banOf(a.User, bannedUntil), banOf(a.User, bannedFromLiveUntil)
	return a, err
}

// check returns nil if the user may be in the live, and a *domain.Refusal otherwise.
func (a viewerAccess) check(now time.Time) error {
	if a.User != 0 {
		if err := a.status.Check(a.User, now); err != nil {
			return err
		}
	}
	if a.ban.Active(now) {
		return &domain.Refusal{Code: domain.CodeBanned, Text: fmt.Sprintf("you are banned from live %d", a.Live)}
	}
	return a.access.Check(a.Live, a.minAge, a.entrant)
}

// credentialBatch is the number of credentials that one transaction deletes. The projector waits for the transaction.
const credentialBatch = 1000

// DeleteUnusedCredentials deletes the password hashes to which no account and no live refers, and returns their number.
// A refused registration leaves such a hash behind. The lives of forgotten users do not count, because nobody may enter
// them. Only hashes that are at least an hour older than the newest event in the tables are deleted, so that no account
// loses its password because the tables are behind. Nothing is deleted while table poison has rows.
func DeleteUnusedCredentials(ctx context.Context, pool *pgxpool.Pool) (total int64, err error) {
	for {
		unused, err := unusedCredentials(ctx, pool, nil)
		if err != nil || len(unused) == 0 {
			return total, err
		}
		deleted, err := deleteUnused(ctx, pool, unused)
		total += deleted
		if err != nil || len(unused) < credentialBatch {
			return total, err
		}
	}
}

// unusedCredentials returns up to credentialBatch unused credentials. If candidates is not nil, it returns only members
// of candidates.
func unusedCredentials(ctx context.Context, db Querier, candidates []uuid.UUID) ([]uuid.UUID, error) {
	rows, err := db.Query(ctx, selectUnusedCredentials.With(sqltemplate.Options{"candidates": candidates != nil}),
		pgx.NamedArgs{"group": ConsumerGroup, "candidates": candidates, "limit": credentialBatch})
	if err != nil {
		return nil, fmt.Errorf("read unused credentials: %w", err)
	}
	unused, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read unused credentials: %w", err)
	}
	return unused, nil
}

// deleteUnused deletes the candidates that are still unused. It locks the checkpoint, so that a rebuild cannot switch
// the tables at the same time.
func deleteUnused(ctx context.Context, pool *pgxpool.Pool, candidates []uuid.UUID) (deleted int64, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SELECT FROM checkpoint WHERE consumer_group = $1 FOR SHARE", ConsumerGroup); err != nil {
			return err
		}
		unused, err := unusedCredentials(ctx, tx, candidates)
		if err != nil {
			return err
		}
		deleted, err = eventstore.DeleteCredentials(ctx, tx, unused)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("delete unused credentials: %w", err)
	}
	return deleted, nil
}
