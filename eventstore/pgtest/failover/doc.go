// Package failover gives a test a database that can fall back to an earlier state: a primary with standbys, base
// backups and dumps behind one address. A server under test that uses the address observes what happens in production
// when an operator promotes a standby or restores a backup: its connections break, and new connections reach another
// PostgreSQL server.
//
//	d := failover.Start(t)
//	standby := d.Standby()
//	standby.HoldBack() // the standby receives nothing more
//	…                  // what is acknowledged now will be lost
//	d.Promote(standby)
//
// The package needs the programs of a PostgreSQL server and of its client. Only tests may import it.
package failover
