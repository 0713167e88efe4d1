package api

import (
	"context"
	"time"

	"roomlog/domain"
	"roomlog/projections"
)

type followInput struct {
	Body struct {
		User number `json:"user" doc:"the streamer"`
	}
}

func followUser(in *followInput) domain.Command {
	return domain.FollowUser{Streamer: domain.UserID(in.Body.User)}
}

func unfollowUser(in *followInput) domain.Command {
	return domain.UnfollowUser{Streamer: domain.UserID(in.Body.User)}
}

// followed is a streamer whom a user follows, or a follower, in a response.
type followed struct {
	User  PublicUser `json:"user"`
	Since time.Time  `json:"since"`
}

func (s *server) listFollowing(ctx context.Context, in *Window) (history[followed], error) {
	return s.follows(ctx, *in, s.Queries.Following)
}

func (s *server) listFollowers(ctx context.Context, in *Window) (history[followed], error) {
	return s.follows(ctx, *in, s.Queries.Followers)
}

// follows returns a page of a list of the caller: the streamers whom the caller follows, or the followers. read reads the
// list from the tables.
func (s *server) follows(ctx context.Context, in Window, read func(context.Context, domain.UserID, projections.Window) ([]projections.Followed, error)) (history[followed], error) {
	w, err := s.window(ctx, in)
	if err != nil {
		return history[followed]{}, err
	}
	found, err := read(ctx, requestOf(ctx).user.ID, w)
	if err != nil {
		return history[followed]{}, err
	}
	return newHistory(ctx, s, found, func(f projections.Followed) (followed, int64) {
		return followed{newPublicUser(f.Profile), f.Since}, f.Position
	})
}

type userPath struct {
	ID domain.UserID `path:"id" minimum:"1"`
}

// followerCount describes the followers of a user, in a response.
type followerCount struct {
	Followers int64 `json:"followers" doc:"number of followers"`
	Following bool  `json:"following" doc:"whether the caller is a follower; false without a token"`
}

func (s *server) readFollowerCount(ctx context.Context, in *userPath) (followerCount, error) {
	user, err := s.optionalUser(ctx)
	if err != nil {
		return followerCount{}, err
	}
	found, err := s.Queries.FollowCount(ctx, in.ID, user)
	return followerCount{found.Followers, found.Since != 0}, err
}
