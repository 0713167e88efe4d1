// Package ledger reads the double-entry bookkeeping: the trial balance and the statements of accounts, as of any
// position of the log.
//
// The postings of a coin event are a function of the event alone (domain.CoinEvent). The projection of coins stores
// them, and package ledger computes balances from the stored postings. It neither writes nor decides anything. Coin
// events that operators have set aside, or that wait because coins are closed, have no postings. Ledger.Unapplied
// counts those that wait.
//
// All reads of one answer should use one transaction (Snapshot), so that they belong to the same state of the tables.
package ledger
