package disk

import (
	"errors"
	"fmt"
	"syscall"
)

// ErrFull is wrapped when a write would use the reserve.
var ErrFull = errors.New("the disk is full up to its reserve")

// IsFull reports whether a write failed because there is no space: ErrFull, a full disk, or a disk quota.
func IsFull(err error) bool {
	return errors.Is(err, ErrFull) || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// Settings holds the disk space that recordings and uploads together must leave free.
type Settings struct {
	DiskReserve int64 `default:"1073741824" max:"1125899906842624" unit:"bytes" zero:"no reserve" help:"Disk space that recordings and uploads leave free, 1 GiB by default. Recording stops and uploads are refused while less is free."`
}

// Check returns an error that wraps ErrFull if writing n bytes below dir would use the reserve. If the free space cannot
// be read, it returns nil.
func (s Settings) Check(dir string, n int64) error {
	if free, known := freeSpace(dir); known && s.DiskReserve > 0 && free-n < s.DiskReserve {
		return fmt.Errorf("%w: %d bytes are free", ErrFull, free)
	}
	return nil
}

// freeSpace returns the bytes that are free below dir, and reports whether the system could tell.
func freeSpace(dir string) (free int64, known bool) {
	var fs syscall.Statfs_t
	err := syscall.Statfs(dir, &fs)
	return int64(fs.Bavail) * fs.Bsize, err == nil
}
