// Package acts lists what the owners and moderators of lives, and operators, did to keep order.
//
// The table moderation_act contains only positions. The package reads the events at these positions from the log, so
// that the reasons about people who were forgotten are erased. Lists of words are read from the log, too.
package acts
