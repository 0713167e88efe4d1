// Package loglimit keeps repeated warnings from filling the log of a process.
//
// A Handler passes log records to another slog.Handler. Of warnings and errors of one kind it passes a few in each
// period. At the end of the period it passes the last one, with the number of those that it left out. So neither a
// client nor a broken disk can fill the log, and no part of the program has to count its own messages. All records about
// payments are passed.
//
// While the database cannot be reached, the Handler leaves out the warnings and errors that result from this outage. It
// logs the beginning and the end of the outage, and one line in each period between them.
package loglimit
