package api

import (
	"fmt"
	"time"
	_ "time/tzdata" // servers without a zone database still know Asia/Shanghai
)

// Zone answers the zone of a name, or that of the contract's clients for "".
func Zone(name string) (*time.Location, error) {
	if name == "" {
		return shanghai(), nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone: %w", err)
	}
	return zone, nil
}

// shanghai has had no summer time since 1991: a fixed zone tells the same time.
func shanghai() *time.Location {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return time.FixedZone("CST", 8*60*60)
	}
	return zone
}

const (
	wallTime = "2006-01-02 15:04:05"
	utcTime  = "2006-01-02T15:04:05.000Z"
)
