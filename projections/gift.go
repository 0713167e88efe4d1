package projections

import (
	"context"
	"math"
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/sqltemplate"
)

// GiftCatalogue projects the gifts that users can send.
var GiftCatalogue = Projection{
	Name: "gift_catalogue", Version: 1, Tables: []string{"gift"},
	Handlers: []Handler{on(foldGiftAdded), on(foldGiftRepriced), on(foldGiftWithdrawn)},
	Write:    writes(writeCatalogue),
}

type catalogueBatch struct {
	id, price   []int64
	name, image []string
	repriced    map[domain.GiftID]int64
	withdrawn   []int64
}

func foldGiftAdded(b *catalogueBatch, _ eventstore.Record, e domain.GiftAdded) {
	b.id, b.price = append(b.id, int64(e.Gift)), append(b.price, int64(e.Price))
	b.name, b.image = append(b.name, e.Name), append(b.image, e.Image)
}

func foldGiftRepriced(b *catalogueBatch, _ eventstore.Record, e domain.GiftRepriced) {
	set(&b.repriced, e.Gift, int64(e.To))
}

func foldGiftWithdrawn(b *catalogueBatch, _ eventstore.Record, e domain.GiftWithdrawn) {
	b.withdrawn = append(b.withdrawn, int64(e.Gift))
}

func writeCatalogue(b *catalogueBatch, tables *pgx.Batch) {
	if len(b.id) > 0 {
		tables.Queue(insertGift, b.id, b.name, b.image, b.price)
	}
	if len(b.repriced) > 0 {
		id, price := columns(b.repriced)
		expect(len(id), tables.Queue(updateGiftPrice, id, price))
	}
	if len(b.withdrawn) > 0 {
		expect(len(b.withdrawn), tables.Queue(updateGiftWithdrawn, b.withdrawn))
	}
}

// SentGifts projects the gifts that were sent, and the number of coins that each live received.
var SentGifts = Projection{
	Name: "sent_gifts", Version: 3, Tables: []string{"gift_record", "live_coin"}, CountsCoins: true,
	Handlers: []Handler{on(foldGiftSent), on(foldGiftRefunded)},
	Write:    writes(writeSentGifts),
}

type sentGiftsBatch struct {
	position, live, streamer, sender, gift []int64
	price, coins, share                    []int64
	num                                    []int32
	id, name, image                        []string
	at                                     []time.Time
	liveCoins                              map[domain.LiveID]int64

	refunded refundedRows
}

// refundedRows are the gifts that a batch refunds, with the positions of the refunds.
type refundedRows struct {
	position, by, sender, streamer, coins, share []int64
}

func foldGiftSent(b *sentGiftsBatch, r eventstore.Record, e domain.GiftSent) {
	b.position, b.id, b.at = append(b.position, r.Position), append(b.id, shortID(r)), append(b.at, r.RecordedAt)
	b.live, b.streamer, b.sender = append(b.live, int64(e.Live)), append(b.streamer, int64(e.Streamer)), append(b.sender, int64(e.Sender))
	b.gift, b.name, b.image = append(b.gift, int64(e.Gift)), append(b.name, e.Name), append(b.image, e.Image)
	b.price, b.num, b.coins = append(b.price, int64(e.Price)), append(b.num, int32(e.Num)), append(b.coins, int64(e.Coins))
	b.share = append(b.share, int64(e.Share))
	add(&b.liveCoins, e.Live, int64(e.Coins))
}

func foldGiftRefunded(b *sentGiftsBatch, r eventstore.Record, e domain.GiftRefunded) {
	of := &b.refunded
	of.position, of.by, of.coins = append(of.position, e.Position), append(of.by, r.Position), append(of.coins, int64(e.Coins))
	of.sender, of.streamer, of.share = append(of.sender, int64(e.Sender)), append(of.streamer, int64(e.Streamer)), append(of.share, int64(e.Share))
	add(&b.liveCoins, e.Live, -int64(e.Coins))
}

func writeSentGifts(b *sentGiftsBatch, tables *pgx.Batch) {
	if len(b.liveCoins) == 0 {
		return
	}
	if len(b.position) > 0 {
		tables.Queue(insertGiftRecord, b.position, b.id, b.live, b.streamer, b.sender, b.gift, b.name, b.image, b.price, b.num, b.coins, b.share, b.at)
	}
	if of := b.refunded; len(of.position) > 0 {
		expect(len(of.position), tables.Queue(updateGiftRecordRefunded, of.position, of.by, of.sender, of.streamer, of.coins, of.share))
	}
	live, coins := columns(b.liveCoins)
	tables.Queue(addLiveCoin, live, coins)
}

// Gift is an entry of the gift catalogue.
type Gift struct {
	ID        domain.GiftID
	Name      string
	Image     string
	Price     domain.Coins
	Available bool // false if the gift was withdrawn
}

// Gifts returns the available gifts.
func (q *Queries) Gifts(ctx context.Context) ([]Gift, error) {
	return many(ctx, q, "gifts", pgx.RowToStructByPos[Gift], selectGifts.With(sqltemplate.Options{"available": true}))
}

// AllGifts returns all gifts, including withdrawn gifts.
func (q *Queries) AllGifts(ctx context.Context) ([]Gift, error) {
	return many(ctx, q, "gifts", pgx.RowToStructByPos[Gift], selectGifts.With(nil))
}

// GiftRecord is a gift that was sent. Name, Image and Price are the values at the time of sending.
type GiftRecord struct {
	Position int64
	ID       string // id of the delta about the gift
	Live     domain.LiveID
	Streamer domain.UserID
	Sender   Profile
	Gift     domain.GiftID
	Name     string
	Image    string
	Price    domain.Coins
	Num      int
	Coins    domain.Coins
	Share    domain.Coins // the platform's share of the coins
	At       time.Time
	Refunded int64 // position of the event that has refunded the gift; 0 if there is none
}

// GiftFilter selects gifts that were sent. Fields with the zero value select all.
type GiftFilter struct {
	Live     domain.LiveID
	Sender   domain.UserID
	Streamer domain.UserID
	Gift     domain.GiftID
	// Recorded leaves out gifts that were sent at no time of a finished recording. It has an effect only together with Live.
	Recorded bool
	Window
}

// GiftHistory returns a page of gifts that were sent.
func (q *Queries) GiftHistory(ctx context.Context, f GiftFilter) ([]GiftRecord, error) {
	sql, args := f.statement()
	return many(ctx, q, "gift records", scanGiftRecord, sql, args)
}

func (f GiftFilter) statement() (sql string, args pgx.NamedArgs) {
	sql = selectGiftRecords.With(sqltemplate.Options{
		"live": f.Live != 0, "sender": f.Sender != 0, "streamer": f.Streamer != 0, "gift": f.Gift != 0,
		"recorded": f.Recorded, "oldest_first": f.OldestFirst,
	})
	after, before, limit := f.bounds()
	return sql, pgx.NamedArgs{
		"live": f.Live, "sender": f.Sender, "streamer": f.Streamer, "gift": f.Gift,
		"after": after, "before": before, "limit": limit,
	}
}

func scanGiftRecord(row pgx.CollectableRow) (g GiftRecord, err error) {
	err = row.Scan(&g.Position, &g.ID, &g.Live, &g.Streamer, &g.Sender.ID, &g.Sender.Username, &g.Sender.Nickname, &g.Sender.Avatar,
		&g.Gift, &g.Name, &g.Image, &g.Price, &g.Num, &g.Coins, &g.Share, &g.At, &g.Refunded)
	g.At = g.At.UTC()
	return g, err
}

// SentGift returns the gift that was sent at a position, and the number of coins that gifts and tickets have added to
// the earnings of its streamer. It fails with ErrNotFound if there is no such gift.
func (q *Queries) SentGift(ctx context.Context, position int64) (gift domain.SentGift, received domain.Coins, err error) {
	gift, err = one(ctx, q, "sent gift", func(row pgx.CollectableRow) (g domain.SentGift, err error) {
		return g, row.Scan(&g.Position, &g.Live, &g.Streamer, &g.Sender, &g.Gift, &g.Num, &g.Coins, &g.Share, &received)
	}, selectSentGift, position)
	return gift, received, err
}

// ShareRules projects the rules that split gifts and tickets between the streamer and the platform.
var ShareRules = Projection{
	Name: "share_rules", Version: 1, Tables: []string{"share_rule"},
	Handlers: []Handler{on(foldShareSet)},
	Write:    writes(writeShareRules),
}

type shareRulesBatch struct {
	rule, position []int64
	basisPoints    []int32
	reason         []string
	at             []time.Time
}

func foldShareSet(b *shareRulesBatch, r eventstore.Record, e domain.ShareSet) {
	b.rule, b.basisPoints, b.reason = append(b.rule, e.Rule), append(b.basisPoints, int32(e.To)), append(b.reason, e.Reason)
	b.position, b.at = append(b.position, r.Position), append(b.at, r.RecordedAt)
}

func writeShareRules(b *shareRulesBatch, tables *pgx.Batch) {
	if len(b.rule) > 0 {
		tables.Queue(insertShareRule, b.rule, b.basisPoints, b.reason, b.position, b.at)
	}
}

// ShareRule is a rule that splits the gifts and tickets after its position between the streamer and the platform.
type ShareRule struct {
	Rule        int64
	BasisPoints int // share of the platform in hundredths of a percent
	Actor       string
	Reason      string
	Position    int64
	At          time.Time
}

// ShareRules returns at most limit rules with numbers below before, newest first; before 0 means no bound. The first
// rule is the one in force. Without a rule the platform gets nothing.
func (q *Queries) ShareRules(ctx context.Context, before int64, limit int) ([]ShareRule, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	return many(ctx, q, "share rules", func(row pgx.CollectableRow) (r ShareRule, err error) {
		err = row.Scan(&r.Rule, &r.BasisPoints, &r.Actor, &r.Reason, &r.Position, &r.At)
		r.At = r.At.UTC()
		return r, err
	}, selectShareRules, before, pageSize(limit))
}
