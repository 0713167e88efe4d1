// Command roomlog is the whole backend of a live-streaming room app: `roomlog serve` runs it, the other
// commands look after its log. It is the only place where the parts are put together; no rule lives here.
//
// `serve` needs no set-up. Without DATABASE_URL it runs a PostgreSQL of its own in the data folder, restarts
// it when it dies, and stops it last. The admin commands work beside a running server on the same data folder
// or database; without one they start that PostgreSQL for as long as they take.
//
// Exit codes: 0 done, 1 failed, 2 called in a wrong way, 3 `verify` found a fault.
package main
