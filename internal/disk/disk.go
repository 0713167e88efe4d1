package disk

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrFull is wrapped when a write would use the reserve.
var ErrFull = errors.New("the disk is full up to its reserve")

// Settings is the reserve of all files of users.
type Settings struct {
	DiskReserve int64 `default:"1073741824" max:"1125899906842624" unit:"bytes" zero:"no reserve" help:"Disk space that recordings and uploads leave free, 1 GiB by default. Recording stops and uploads are refused while less is free."`
}

// Check returns an error that wraps ErrFull if writing n bytes below dir would use the reserve. If the free space cannot
// be read, it returns nil.
func (s Settings) Check(dir string, n int64) error {
	var fs syscall.Statfs_t
	if s.DiskReserve <= 0 || syscall.Statfs(dir, &fs) != nil {
		return nil
	}
	if free := int64(fs.Bavail) * fs.Bsize; free-n < s.DiskReserve {
		return fmt.Errorf("%w: %d bytes are free", ErrFull, free)
	}
	return nil
}
