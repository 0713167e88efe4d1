// Package sqltemplate renders SQL statements that have parts for some calls only, such as the filters of a list.
//
//	SELECT position, text FROM comment
//	WHERE position < @before {{if .live}}AND live_id = @live{{end}} {{if .user}}AND user_id = @user{{end}}
//	ORDER BY position {{if .oldest_first}}ASC{{else}}DESC{{end}} LIMIT @limit
//
// Each combination of options is a statement of its own, with its own plan. A condition such as
// (@live = 0 OR live_id = @live) would give all of them one plan, which can use no index. Options are booleans, so the
// number of statements is bounded, and no value from outside becomes part of a statement: values are parameters.
package sqltemplate
