// Package wsframe validates the frames of WebSocket clients before the library gws reads them. gws allocates what a
// header announces, accepts any number of empty fragments and pings, and panics on a length above the largest int64.
//
// All WebSocket servers of roomlog read through a Validator. Those that accept large messages use [Validator.Split], which lets gws
// allocate memory only as the bytes of a message arrive.
package wsframe
