package localpg

// Unpack unpacks a tarball without the check of its hash.
func Unpack(tarball, parent, into string) error {
	return unpack(tarball, parent, into, bounds{MaxUnpacked, MaxFiles})
}

// The fetched version, and the bounds of unpacking.
const (
	FetchedVersion = fetchedVersion
	FetchedMajor   = fetchedMajor
	MaxFiles       = 20
	MaxUnpacked    = 1 << 20
)

// Pin returns the name and the hash of the package for a platform.
var Pin = pin

// SplitPS splits the command line of a server, as ps prints it.
var SplitPS = splitPS

// Access writes the access files for a user without a name.
func Access(dir string) error { return folder{dir: dir}.access(&account{}) }
