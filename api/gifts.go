package api

import (
	"context"

	"roomlog/domain"
)

// gift is an entry of the gift catalogue.
type gift struct {
	ID    domain.GiftID `json:"id"`
	Name  string        `json:"name"`
	Image string        `json:"image"`
	Coin  domain.Coins  `json:"coin" doc:"price of one"`
}

func (s *server) listGifts(ctx context.Context, _ *struct{}) ([]gift, error) {
	found, err := s.Queries.Gifts(ctx)
	gifts := make([]gift, 0, len(found))
	for _, g := range found {
		gifts = append(gifts, gift{g.ID, g.Name, g.Image, g.Price})
	}
	return gifts, err
}
