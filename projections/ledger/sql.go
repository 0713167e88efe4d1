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

// selectEntries is a statement with optional parts.
var selectEntries = sqltemplate.Must(selectEntriesText)
