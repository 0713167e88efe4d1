// Package past computes from the log the state that a live had at an earlier position. The tables contain only the
// newest state. The package reads the events of one live from the beginning and applies them up to the position, as the
// projections do. The result does not contain the names of people, because their profiles belong to other streams.
// Texts of people who were forgotten stay erased.
package past
