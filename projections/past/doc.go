// Package past computes from the log what a live was at an earlier position.
//
// The tables show only the present. Package past reads the events of one live from the beginning and applies them, as
// the projections do, until a position. The names of people are not part of the result, because their profiles belong
// to other streams; texts of people who were forgotten stay erased.
package past
