// Package migrations migrates a database to the schema of this program. It contains the goose files, which only migrate
// forward, and creates the role that the connections of servers take.
//
// Several processes may call Apply at the same time, for one database or for several databases of a cluster. The package
// opens its own connections and closes all of them. It never deletes data.
package migrations
