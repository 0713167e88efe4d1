package localpg

// Unpack is for tests of tarballs that never pass the check of their hash.
func Unpack(tarball, parent, into string) error {
	return unpack(tarball, parent, into, bounds{MaxUnpacked, MaxFiles})
}

// The fetched version, and bounds for the tests of unpacking.
const (
	FetchedVersion = fetchedVersion
	FetchedMajor   = fetchedMajor
	MaxFiles       = 20
	MaxUnpacked    = 1 << 20
)

// Pin returns the package and hash of a platform.
var Pin = pin

// SplitPS splits the command line of a server on systems without /proc.
var SplitPS = splitPS

// Access writes the access files for a user without a name.
func Access(dir string) error { return folder{dir: dir}.access(&account{}) }
