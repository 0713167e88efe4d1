package projections

import (
	"time"

	"github.com/jackc/pgx/v5"

	"roomlog/domain"
	"roomlog/eventstore"
)

// GiftCatalogue is the gifts that can be given.
var GiftCatalogue = Projection{
	Name: "gift_catalogue", Version: 1, Tables: []string{"gift"},
	Handlers: []Handler{on(foldListed), on(foldRepriced), on(foldWithdrawn)},
	Write:    writes(writeShelf),
}

type shelfBatch struct {
	id, price   []int64
	name, image []string
	repriced    map[domain.GiftID]int64
	withdrawn   []int64
}

func foldListed(b *shelfBatch, _ eventstore.Record, e domain.GiftAdded) {
	b.id, b.price = append(b.id, int64(e.Gift)), append(b.price, int64(e.Price))
	b.name, b.image = append(b.name, e.Name), append(b.image, e.Image)
}

func foldRepriced(b *shelfBatch, _ eventstore.Record, e domain.GiftRepriced) {
	set(&b.repriced, e.Gift, int64(e.To))
}

func foldWithdrawn(b *shelfBatch, _ eventstore.Record, e domain.GiftWithdrawn) {
	b.withdrawn = append(b.withdrawn, int64(e.Gift))
}

func writeShelf(b *shelfBatch, tables *pgx.Batch) {
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

// SentGifts is the gifts that were given, and what each room was given. It counts coins.
var SentGifts = Projection{
	Name: "sent_gifts", Version: 1, Tables: []string{"gift_record", "live_coin"}, CountsCoins: true,
	Handlers: []Handler{on(foldGift)},
	Write:    writes(writeGifts),
}

type giftsBatch struct {
	position, live, streamer, sender, gift []int64
	price, coins                           []int64
	num                                    []int32
	id, name, image                        []string
	at                                     []time.Time
	liveCoins                              map[domain.LiveID]int64
}

func foldGift(b *giftsBatch, r eventstore.Record, e domain.GiftSent) {
	b.position, b.id, b.at = append(b.position, r.Position), append(b.id, shortID(r)), append(b.at, r.RecordedAt)
	b.live, b.streamer, b.sender = append(b.live, int64(e.Live)), append(b.streamer, int64(e.Streamer)), append(b.sender, int64(e.Sender))
	b.gift, b.name, b.image = append(b.gift, int64(e.Gift)), append(b.name, e.Name), append(b.image, e.Image)
	b.price, b.num, b.coins = append(b.price, int64(e.Price)), append(b.num, int32(e.Num)), append(b.coins, int64(e.Coins))
	add(&b.liveCoins, e.Live, int64(e.Coins))
}

func writeGifts(b *giftsBatch, tables *pgx.Batch) {
	if len(b.position) == 0 {
		return
	}
	tables.Queue(insertGiftRecord, b.position, b.id, b.live, b.streamer, b.sender, b.gift, b.name, b.image, b.price, b.num, b.coins, b.at)
	live, coins := columns(b.liveCoins)
	tables.Queue(addLiveCoin, live, coins)
}
