package localpg

// Unpack is for tests of what no registry can bring about, because the hash is checked before.
func Unpack(tarball, parent, into string) error {
	return unpack(tarball, parent, into, bounds{MaxUnpacked, MaxFiles})
}

// What is fetched, and bounds for the tests of unpacking.
const (
	FetchedVersion = fetchedVersion
	FetchedMajor   = fetchedMajor
	MaxFiles       = 20
	MaxUnpacked    = 1 << 20
)

// Pin is the package and hash of a platform.
var Pin = pin

// SplitPS takes the command line of a server apart where there is no /proc.
var SplitPS = splitPS

// Access writes the access files for a user whom the system has no name for.
func Access(dir string) error { return folder{dir: dir}.access(&account{}) }
