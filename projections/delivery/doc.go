// Package delivery counts to how many connections the pushes of gifts were written, and how many have acknowledged them. It is
// evidence for senders and streamers that a gift was seen.
//
// The numbers are lower bounds. Each process counts in memory, and adds its numbers to tables once a second: it writes nothing while a
// gift is sent. A process that is killed loses what it has not written. What a client receives when it resumes does not count, so
// nobody can raise the numbers by reconnecting.
//
// The log does not contain the numbers, so roomlog verify and roomlog rebuild ignore the tables. A row belongs to the id of its event:
// after the log has fallen back to an earlier state, gifts that it has lost have no rows.
package delivery
