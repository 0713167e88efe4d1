package ledger

import (
	_ "embed"

	"roomlog/internal/sqltemplate"
)

// The SQL statements, each in its own file.
var (
	//go:embed sql/select_state.sql
	selectState string
	//go:embed sql/select_account_balance.sql
	selectAccountBalance string
	//go:embed sql/select_accounts.sql
	selectAccounts string
	//go:embed sql/select_totals.sql
	selectTotals string
	//go:embed sql/select_settlement.sql
	selectSettlement string
	//go:embed sql/select_entries.sql
	selectEntriesText string
)

// selectEntries is the statement that reads the postings of an account. An optional part selects the newest first.
var selectEntries = sqltemplate.Must(selectEntriesText)
