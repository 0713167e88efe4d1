package domain

import (
	"slices"
	"time"
)

// maxFollows is the maximum number of streamers that one user follows. There is a maximum because a decision about a
// comment or a join of the user loads all of them.
const maxFollows = 1000

// Follows is the state of the streamers that one user follows. It belongs to the follower, because decisions about the
// follower know the name of this stream before they read any state.
type Follows struct {
	Streamers []Following `json:"streamers,omitempty"` // in the order in which the user followed them
}

// Following is a streamer whom a user follows.
type Following struct {
	Streamer UserID `json:"streamer"`
	Since    int64  `json:"since"` // time since which the user follows the streamer, in Unix seconds
}

// FollowsStream returns the stream of the streamers that a user follows.
func FollowsStream(id UserID) Stream { return numberedStream("follows-", int64(id)) }

// Follows returns the streamers that a user follows.
func (v View) Follows(id UserID) Follows { return look[Follows](v, FollowsStream(id)) }

// Weight returns the approximate number of bytes of memory that f needs.
func (f Follows) Weight() int {
	const perStreamer = 16
	return perStreamer * cap(f.Streamers)
}

// Since returns the time in Unix seconds since which the user follows a streamer; 0 if the user does not.
func (f Follows) Since(streamer UserID) int64 {
	for _, s := range f.Streamers {
		if s.Streamer == streamer {
			return s.Since
		}
	}
	return 0
}

// FollowUser makes the actor a follower of a streamer. Nothing changes if the actor follows the streamer already.
type FollowUser struct {
	Streamer UserID `json:"user"` // the user to follow
}

func (FollowUser) Type() string { return "user.follow" }

func (c FollowUser) Reads(actor Actor) []Stream {
	return []Stream{FollowsStream(actor.User), userStream(c.Streamer)}
}

func (c FollowUser) decide(view View) ([]Event, error) {
	follows := view.Follows(view.Actor.User)
	switch streamer := view.User(c.Streamer); {
	case c.Streamer == view.Actor.User:
		return nil, refuse(CodeBadRequest, "user must be another user: you cannot follow yourself")
	case !streamer.Registered || streamer.Forgotten:
		return nil, refuse(CodeUserUnavailable, "there is no user %d", c.Streamer)
	case follows.Since(c.Streamer) != 0:
		return nil, nil
	case len(follows.Streamers) >= maxFollows:
		return nil, refuse(CodeNumberOutOfRange, "a user can follow at most %d streamers: unfollow one first", maxFollows)
	}
	return []Event{UserFollowed{view.Actor.User, c.Streamer, view.Now.Unix()}}, nil
}

// UserFollowed records that a user follows a streamer.
type UserFollowed struct {
	User     UserID `json:"user"`     // the follower
	Streamer UserID `json:"streamer"` // the user who is followed
	Since    int64  `json:"since"`    // time of the event in Unix seconds
}

func (UserFollowed) Type() string        { return "user.followed.v1" }
func (e UserFollowed) Stream() Stream    { return FollowsStream(e.User) }
func (e UserFollowed) EventUser() UserID { return e.User }
func (e UserFollowed) evolve(f Follows) Follows {
	f.Streamers = append(slices.Clone(f.Streamers), Following{e.Streamer, e.Since})
	return f
}

// UnfollowUser makes the actor no longer a follower of a streamer. Nothing changes if the actor does not follow the
// streamer.
type UnfollowUser struct {
	Streamer UserID `json:"user"` // the user who is followed
}

func (UnfollowUser) Type() string { return "user.unfollow" }

func (c UnfollowUser) Reads(actor Actor) []Stream { return []Stream{FollowsStream(actor.User)} }

func (c UnfollowUser) decide(view View) ([]Event, error) {
	if view.Follows(view.Actor.User).Since(c.Streamer) == 0 {
		return nil, nil
	}
	return []Event{UserUnfollowed{view.Actor.User, c.Streamer}}, nil
}

// UserUnfollowed records that a user no longer follows a streamer.
type UserUnfollowed struct {
	User     UserID `json:"user"`     // the former follower
	Streamer UserID `json:"streamer"` // the user who was followed
}

func (UserUnfollowed) Type() string        { return "user.unfollowed.v1" }
func (e UserUnfollowed) Stream() Stream    { return FollowsStream(e.User) }
func (e UserUnfollowed) EventUser() UserID { return e.User }
func (e UserUnfollowed) evolve(f Follows) Follows {
	left := slices.DeleteFunc(slices.Clone(f.Streamers), func(s Following) bool { return s.Streamer == e.Streamer })
	if f.Streamers = left; len(left) == 0 {
		f.Streamers = nil
	}
	return f
}

// checkFollower returns a *Refusal unless the user with these follows has followed the streamer of a live long enough
// for the mode followers of the live.
func (m Mode) checkFollower(streamer UserID, follows Follows, now time.Time) error {
	since := follows.Since(streamer)
	switch member := since + 60*m.Value; {
	case since == 0:
		return refuseUntil(m.Until, CodeFollowersOnly, "follow the streamer, user %d: only followers may comment", streamer)
	case m.Value > 1 && now.Before(time.Unix(member, 0)):
		return refuseUntil(earlier(member, m.Until), CodeFollowersOnly, "only users who have followed the streamer for at least %d minutes may comment", m.Value)
	}
	return nil
}
