package serve

import "time"

// recordSettings are about recordings.
type recordSettings struct {
	Record          string        `group:"media" env:"ROOMLOG_RECORD" enum:"off,requested,all" default:"requested" help:"What is recorded: off, nothing; requested, the lives whose owners want it; all, every room but those whose owners do not want it."`
	Recordings      string        `group:"media" env:"ROOMLOG_RECORDINGS" placeholder:"DIR" help:"Where recordings are kept, by one process alone. Default: recordings in the data folder."`
	RecordQuota     int64         `group:"media" env:"ROOMLOG_RECORD_QUOTA" default:"53687091200" help:"What all recordings may take, in bytes. The oldest make room for those that run. -1: no bound."`
	RecordLiveQuota int64         `group:"media" env:"ROOMLOG_RECORD_LIVE_QUOTA" default:"10737418240" help:"The same for the recordings of one room."`
	RecordReserve   int64         `group:"media" env:"ROOMLOG_RECORD_RESERVE" default:"1073741824" help:"What stays free on the disk; when there is less, nothing is recorded."`
	RecordKeep      time.Duration `group:"media" env:"ROOMLOG_RECORD_KEEP" help:"How long recordings are kept. 0: until others need their space."`
	RecordSweep     time.Duration `group:"media" env:"ROOMLOG_RECORD_SWEEP" default:"1m" help:"How often the files of what was deleted are looked for."`
}
