package admin

// reasonFlag is the flag of every command that changes something without telling the user why.
type reasonFlag struct {
	Reason string `placeholder:"TEXT" help:"Reason, recorded in the log for auditors: at most 100 characters. It must not name a person."`
}
