package demo

import (
	"context"
	"math/rand/v2"
	"time"

	"roomlog/internal/wait"
)

var commentTexts = []string{
	"Hello from Lisbon!", "好美啊", "What a view", "first time here, hi all", "这个颜色绝了", "Can you hear the waves?", "I could watch this for hours",
	"👏👏👏", "晚上好！", "Where is this?", "so calm", "❤️", "签到", "Greetings from Berlin", "How long have you been streaming today?", "主播辛苦了",
	"This is my background while working", "哈哈哈", "wow", "Love the sound", "第一次来，关注了", "One more round please!", "😍", "太治愈了", "Goodnight everybody",
	"Is there a replay later?", "The colours are unreal", "🌟", "在图书馆偷偷看", "Hi Mia!", "it loops perfectly", "来啦来啦",
}

const (
	returnDelay = 2 * time.Second // time until a viewer whose connection was lost returns
	giftShare   = 6               // one of this many messages of a viewer is a gift instead of a comment
	shortPause  = 700 * time.Millisecond
	longPause   = 3500 * time.Millisecond
)

type gift struct {
	ID   int64
	Name string
	Coin int64
}

// simulateViewers lets viewers watch a live, comment and give until ctx ends.
func simulateViewers(ctx context.Context, live int64, gifts []gift, viewers []*person) {
	connections := make([]*connection, len(viewers))
	for ctx.Err() == nil {
		if !wait.Sleep(ctx, shortPause+rand.N(longPause-shortPause)) {
			return
		}
		i := rand.IntN(len(viewers))
		for at := range connections { // all are there from the beginning, and return if they were lost
			if connections[at] == nil {
				connections[at], _ = viewers[at].enter(ctx, live)
			}
		}
		if connections[i] == nil {
			wait.Sleep(ctx, returnDelay)
			continue
		}
		var err error
		if len(gifts) > 0 && rand.IntN(giftShare) == 0 {
			g := gifts[rand.IntN(len(gifts)-rand.IntN(len(gifts)))] // cheap gifts are more frequent
			err = connections[i].send("gift.send", map[string]any{"live": live, "gift": g.ID, "num": 1 + rand.IntN(5)})
		} else {
			err = connections[i].send("comment.post", map[string]any{"live": live, "text": commentTexts[rand.IntN(len(commentTexts))]})
		}
		if err != nil {
			connections[i] = nil
		}
	}
}
