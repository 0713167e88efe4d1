package localpg

// For tests of what no registry serves, because the hash is checked before.
var Unpack = unpack

// Bounds and names of what is fetched.
const (
	FetchedVersion = fetchedVersion
	FetchedMajor   = fetchedMajor
	MaxTarball     = maxTarball
	MaxFiles       = maxFiles
	MaxUnpacked    = maxUnpacked
)

// Pin is the package and hash of a platform.
var Pin = pin
