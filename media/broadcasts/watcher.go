package broadcasts

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/internal/wait"
	"roomlog/media"
	"roomlog/projections"
	"roomlog/projections/feed"
)

// watcher follows the log and disconnects publishers and players that may not stay connected. Only one goroutine runs
// it.
type watcher struct {
	cfg        Config
	server     *serverRef
	authorizer *authorizer
	log        *eventLog

	history int64 // number of the history of the log that was followed; 0 before the first subscription
	handled int64 // position in this history up to which events were handled; 0 before the first subscription
}

// run follows the log until ctx ends.
func (w *watcher) run(ctx context.Context) error {
	backoff := wait.Backoff{Min: firstRetry, Max: lastRetry}
	for ctx.Err() == nil {
		err := w.follow(ctx, backoff.Reset)
		if errors.Is(err, feed.ErrEnded) {
			return nil // the node is shutting down
		}
		if err != nil && ctx.Err() == nil {
			w.cfg.Log.WarnContext(ctx, "following the log for broadcasts failed, retrying", slog.Any("error", err))
			backoff.Wait(ctx)
		}
	}
	return nil
}

// follow checks every stream once, because events may have been missed, and then handles events as they come.
func (w *watcher) follow(ctx context.Context, caughtUp func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // an abandoned subscription would delay the feed
	batches, err := w.cfg.Feed.Subscribe(ctx)
	if err != nil {
		return err
	}
	history := w.cfg.Feed.History()
	if w.history != 0 && w.history != history {
		if err := w.log.historyChanged(ctx); err != nil {
			return err
		}
		if err := w.checkAccounts(ctx); err != nil {
			return err
		}
		w.handled = 0
	}
	w.history = history
	if err := w.checkMissed(ctx); err != nil {
		return err
	}
	if err := w.catchUp(ctx); err != nil {
		return err
	}
	caughtUp()
	for b := range batches {
		for _, d := range b.Deltas {
			if err := w.handle(ctx, d); err != nil {
				return err
			}
			w.handled = max(w.handled, d.Position)
		}
	}
	return ctx.Err()
}

func (w *watcher) handle(ctx context.Context, d projections.Delta) error {
	switch e := d.Event.(type) {
	case domain.LiveStatusChanged:
		if e.To == domain.StatusEnded {
			return w.checkLive(ctx, e.Live)
		}
	case domain.UserBanned, domain.UserDisabled, domain.UserForgotten:
		w.server.CutUser("", int64(e.(domain.UserEvent).EventUser()))
		_, err := w.checkAll(ctx)
		return err
	case domain.ViewerBanned:
		return w.cutViewer(ctx, e)
	case domain.LiveAccessSet:
		return w.checkAccess(ctx, e.Live)
	case domain.LiveAgeSet:
		return w.checkAccess(ctx, e.Live)
	case domain.InvitationRevoked:
		return w.checkAccess(ctx, e.Live)
	case domain.TicketReturned:
		return w.checkUser(ctx, e.User)
	case domain.ModeratorRemoved:
		return w.checkAccess(ctx, e.Live)
	case domain.UserUnfollowed, domain.UserRoleRevoked, domain.UserAgeChanged:
		return w.checkUser(ctx, e.(domain.UserEvent).EventUser())
	case domain.PublishKeySet:
		return w.checkPublisher(ctx, e.Live)
	case domain.PublishKeyRevoked:
		return w.checkPublisher(ctx, e.Live)
	case domain.RestreamSet:
		w.cfg.Restreams.Changed(e.Live)
	case domain.RestreamRemoved:
		w.cfg.Restreams.Changed(e.Live)
	case domain.BroadcastStarted:
		return w.relay(ctx, e.Live, e.Node, Relays.Moved)
	case domain.BroadcastStopped:
		w.broadcastStopped(ctx, e, d.Position)
		return w.relay(ctx, e.Live, "", relayEnd(e))
	case domain.PlayerKicked:
		w.kickPlayer(ctx, e)
	}
	return nil
}

func (w *watcher) checkLive(ctx context.Context, id domain.LiveID) error {
	live, err := w.cfg.Queries.Live(ctx, id)
	switch {
	case errors.Is(err, projections.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	w.check(live)
	return nil
}

// checkAll checks every stream of this node, and every stream key of a request in the last one or two minutes. It
// returns the lives with these stream keys. It is called when a user loses access, which is rare.
func (w *watcher) checkAll(ctx context.Context) ([]projections.Live, error) {
	unknown := make(map[string]bool)
	for _, key := range w.server.Keys() {
		unknown[key] = true
	}
	for _, key := range w.authorizer.recentRequests() {
		unknown[key] = true
	}
	lives, err := w.cfg.Queries.LivesByStreamKeys(ctx, slices.Collect(maps.Keys(unknown)))
	if err != nil {
		return nil, err
	}
	for _, live := range lives {
		delete(unknown, live.StreamKey)
		w.check(live)
	}
	for key := range unknown {
		w.server.Cut(key, media.ReasonEnded)
	}
	return lives, nil
}

// checkMissed checks what the events that were missed may have changed: streams, the users that play them, and publish keys.
func (w *watcher) checkMissed(ctx context.Context) error {
	w.cfg.Restreams.AllChanged()
	lives, err := w.checkAll(ctx)
	if err != nil {
		return err
	}
	for _, live := range lives {
		w.restrict(live)
	}
	if err := w.checkViewers(ctx, lives); err != nil {
		return err
	}
	byKey := make(map[string]projections.Live, len(lives))
	for _, live := range lives {
		byKey[live.StreamKey] = live
	}
	for _, s := range w.server.Snapshot().Streams {
		live, found := byKey[s.Key]
		if !found {
			continue // the stream was cut
		}
		if w.cfg.Relays != nil {
			w.cfg.Relays.Moved(s.Key)
		}
		if err := w.checkPublisher(ctx, live.ID); err != nil {
			return err
		}
	}
	return nil
}

// checkAccounts disconnects the players whose signs name accounts that the log has lost. Other accounts may have the
// ids of those accounts now.
func (w *watcher) checkAccounts(ctx context.Context) error {
	viewers := make(map[string][]media.Client)
	users := make(map[domain.UserID]bool)
	for _, key := range w.server.Keys() {
		viewers[key] = w.server.Viewers(key)
		for _, c := range viewers[key] {
			users[domain.UserID(c.User)] = true
		}
	}
	found, err := w.cfg.Queries.Profiles(ctx, slices.Collect(maps.Keys(users)))
	if err != nil {
		return err
	}
	for key, clients := range viewers {
		for _, c := range clients {
			if !media.SignIsOf(c.Args.Get("sign"), found[domain.UserID(c.User)].CreatedAt) {
				w.server.CutUser(key, c.User)
			}
		}
	}
	return nil
}

// checkViewers disconnects the players of users that may not play a live any more.
func (w *watcher) checkViewers(ctx context.Context, lives []projections.Live) error {
	keys := make(map[projections.ViewerKey]string) // the stream keys of the viewers
	for _, live := range lives {
		for _, c := range w.server.Viewers(live.StreamKey) {
			keys[projections.ViewerKey{Live: live.ID, User: domain.UserID(c.User)}] = live.StreamKey
		}
	}
	refused, err := w.cfg.Queries.CheckViewers(ctx, slices.Collect(maps.Keys(keys)), w.cfg.Now())
	for viewer := range refused {
		w.server.CutUser(keys[viewer], int64(viewer.User))
	}
	return err
}

// checkAccess disconnects the players of a live who may not be in it any more, after its access has changed.
func (w *watcher) checkAccess(ctx context.Context, id domain.LiveID) error {
	live, err := w.cfg.Queries.Live(ctx, id)
	if errors.Is(err, projections.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	w.restrict(live)
	return w.checkViewers(ctx, []projections.Live{live})
}

// restrict disconnects the anonymous players of a live that is not for everybody, except the preview of the owner.
func (w *watcher) restrict(live projections.Live) {
	restricted := live.Restricted()
	w.server.Restrict(live.StreamKey, restricted)
	if restricted {
		w.server.CutAnonymous(live.StreamKey, func(c media.Client) bool {
			return w.cfg.Signer.Verify(media.ScopePublish, live.StreamKey, c.Args.Get("sign")) == nil
		})
	}
}

// checkUser disconnects the players of a user in lives that the user may not be in any more.
func (w *watcher) checkUser(ctx context.Context, user domain.UserID) error {
	lives, err := w.cfg.Queries.LivesByStreamKeys(ctx, append(w.server.Keys(), w.authorizer.recentRequests()...))
	if err != nil {
		return err
	}
	viewers := make(map[projections.ViewerKey]string, len(lives))
	for _, live := range lives {
		if live.Restricted() {
			viewers[projections.ViewerKey{Live: live.ID, User: user}] = live.StreamKey
		}
	}
	refused, err := w.cfg.Queries.CheckViewers(ctx, slices.Collect(maps.Keys(viewers)), w.cfg.Now())
	for viewer := range refused {
		w.server.CutUser(viewers[viewer], int64(user))
	}
	return err
}

// cutViewer disconnects the players of a user that was banned from a live.
func (w *watcher) cutViewer(ctx context.Context, e domain.ViewerBanned) error {
	live, err := w.cfg.Queries.Live(ctx, e.Live)
	if errors.Is(err, projections.ErrNotFound) {
		return nil
	}
	if err == nil {
		w.server.CutUser(live.StreamKey, int64(e.User))
	}
	return err
}

// checkPublisher disconnects the publisher of a live if it uses a publish key that is not valid any more.
func (w *watcher) checkPublisher(ctx context.Context, id domain.LiveID) error {
	live, err := w.cfg.Queries.Live(ctx, id)
	if errors.Is(err, projections.ErrNotFound) {
		return nil
	}
	var current projections.PublishKey
	if err == nil {
		current, err = w.cfg.Queries.PublishKey(ctx, id)
	}
	if err != nil && !errors.Is(err, projections.ErrNotFound) {
		return err
	}
	w.server.CutPublisher(live.StreamKey, media.ReasonKeyRevoked, func(c media.Client) bool {
		sign := c.Args.Get("sign")
		return media.IsPublishKey(sign) && media.PublishKeyHash(sign) != current.Hash
	})
	return nil
}

// check cuts the stream of a live that has ended or whose owner may not broadcast. live comes from the tables, which
// already contain the events of a released batch. If the live has ended and the owner may not broadcast, the first cut is the recorded
// one; the second takes the rest of the stream from players over HLS.
func (w *watcher) check(live projections.Live) {
	if live.Status == domain.StatusEnded {
		w.server.Cut(live.StreamKey, media.ReasonEnded)
	}
	if live.OwnerStatus.Check(live.UserID, w.cfg.Now()) != nil {
		w.server.Cut(live.StreamKey, media.ReasonOwnerUnavailable)
	}
}

// broadcastStopped handles the end of a broadcast in the log. If the broadcast still runs on this node, another node
// or an operator has ended it.
func (w *watcher) broadcastStopped(ctx context.Context, e domain.BroadcastStopped, position int64) {
	own, running := w.log.markEnded(e, position)
	if e.Cause == domain.StopKicked {
		w.authorizer.startCooldown(e.Live)
	}
	switch {
	case !running:
	case e.Cause == domain.StopKicked:
		w.cfg.Log.InfoContext(ctx, "broadcast ended by an operator", slog.Int64("live_id", int64(e.Live)), slog.String("broadcast_id", string(e.Broadcast)),
			slog.String("reason", e.Reason))
		w.server.Cut(own.key, media.ReasonKicked)
	case e.Cause == domain.StopReplaced:
		w.server.Cut(own.key, media.ReasonReplaced)
	case e.Cause == domain.StopNodeLost: // another node considered this node lost, although it runs
		w.log.resume(ctx, own, false)
	}
}

// relay notifies the Relays that the broadcast of a live has changed, unless the broadcast is at this node.
func (w *watcher) relay(ctx context.Context, id domain.LiveID, node string, tell func(Relays, string)) error {
	if w.cfg.Relays == nil || tell == nil || node == w.cfg.Cluster.Node() {
		return nil
	}
	live, err := w.cfg.Queries.Live(ctx, id)
	if errors.Is(err, projections.ErrNotFound) {
		return nil
	}
	if err == nil {
		tell(w.cfg.Relays, live.StreamKey)
	}
	return err
}

// relayEnd returns the method of Relays to call when a broadcast has ended at another node. It returns nil if the broadcast
// was replaced or its node stops, because it may then continue at another node.
func relayEnd(e domain.BroadcastStopped) func(Relays, string) {
	broadcast := mediaID(e.Broadcast)
	switch e.Cause {
	case domain.StopReplaced, domain.StopShutdown:
		return nil
	case domain.StopNodeLost:
		return func(r Relays, key string) { r.Lost(key, broadcast) }
	}
	return func(r Relays, key string) { r.Ended(key, broadcast) }
}

// kickPlayer disconnects a player if it is connected to this node.
func (w *watcher) kickPlayer(ctx context.Context, e domain.PlayerKicked) {
	if w.server.Kick(string(e.Player)) {
		w.cfg.Log.InfoContext(ctx, "player disconnected by an operator", slog.Int64("live_id", int64(e.Live)), slog.String("player_id", string(e.Player)),
			slog.String("reason", e.Reason))
	}
}

// catchUp handles the ends of broadcasts and the kicks of players that were recorded while the watcher did not follow
// the log.
func (w *watcher) catchUp(ctx context.Context) error {
	upTo := w.cfg.Feed.Checkpoint() // later events come in batches
	missed, after, err := w.missedEnds(ctx, upTo)
	if err != nil {
		return err
	}
	if w.handled > 0 {
		after = min(after, w.handled)
	}
	types := []string{domain.BroadcastStopped{}.Type(), domain.PlayerKicked{}.Type()}
	for after < upTo {
		page, err := w.cfg.Store.Read(ctx, eventstore.Query{After: after, UpTo: upTo, Types: types})
		if err != nil {
			return err
		}
		for _, r := range page.Events {
			switch e := r.Event.(type) {
			case domain.BroadcastStopped:
				if missed[e.Broadcast] {
					w.broadcastStopped(ctx, e, r.Position)
				}
			case domain.PlayerKicked:
				w.kickPlayer(ctx, e)
			}
		}
		after = page.Next
	}
	w.handled = max(w.handled, upTo)
	return nil
}

// missedEnds returns the broadcasts of this node that have ended in the tables, and a position before all these ends.
func (w *watcher) missedEnds(ctx context.Context, upTo int64) (missed map[domain.BroadcastID]bool, after int64, err error) {
	missed, after = make(map[domain.BroadcastID]bool), upTo
	for _, e := range w.log.list() {
		live, err := w.cfg.Queries.Live(ctx, e.live)
		switch {
		case err != nil && !errors.Is(err, projections.ErrNotFound):
			return nil, 0, err
		case err != nil || live.Broadcast.ID != e.id:
			missed[e.id], after = true, min(after, e.after)
		}
	}
	return missed, after, nil
}
