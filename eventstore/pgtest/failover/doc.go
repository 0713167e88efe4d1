// Package failover gives a test a database that can fall back to an earlier state: a primary with standbys, base backups and
// dumps behind one address. A server that is connected to the address sees what it sees in production when an operator
// promotes a standby or restores a backup: its connections break, and the next ones lead to another PostgreSQL.
//
//	d := failover.Start(t)
//	standby := d.Standby()
//	standby.HoldBack()        // it receives nothing more
//	…                         // what is acknowledged now is lost
//	d.Promote(standby)
//
// It needs the programs of a PostgreSQL server and of its client. Only tests may import it.
package failover
