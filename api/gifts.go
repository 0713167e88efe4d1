package api

import (
	"context"

	"roomlog/domain"
)

// gift is an entry of the shelf.
type gift struct {
	ID    domain.GiftID `json:"id"`
	Name  string        `json:"name"`
	Image string        `json:"image"`
	Coin  domain.Coins  `json:"coin" doc:"the price of one"`
}

func (s *server) listGifts(ctx context.Context, _ *struct{}) ([]gift, error) {
	listed, err := s.Queries.Gifts(ctx)
	gifts := make([]gift, 0, len(listed))
	for _, g := range listed {
		gifts = append(gifts, gift{g.ID, g.Name, g.Image, g.Price})
	}
	return gifts, err
}
