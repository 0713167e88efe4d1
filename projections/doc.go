// Package projections turns the log into tables that answer quickly, and into deltas that people see.
//
// One Projector reads the log in envelopes and moves all tables and its one checkpoint forward in
// one transaction each. Queries answer from the tables. A Feed tails the log in every process and
// releases what happened as soon as the tables have it, so that whoever reads a table after a push
// finds the pushed thing there. Rebuild makes all tables anew from the log beside the running
// ones and switches; Verify compares everything with the log and names the first fault.
//
// Tables are thrown away and made again, so nothing in them may depend on a clock, on chance or on
// anything but the log. Nobody but a projection writes its tables, and the package appends nothing.
package projections
