// Package migrations brings a database to the schema of this roomlog: goose files,
// forward only, and the role that serving connections take.
//
// Several processes may call Apply at once on one database, and on several
// databases of one cluster. It imports nothing of roomlog, opens its own
// connections and leaves none behind.
package migrations
