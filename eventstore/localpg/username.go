package localpg

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrNoUserName means that initdb cannot create a database, because the uid of this process has no name.
var ErrNoUserName = errors.New("the user of this process has no entry in /etc/passwd, which initdb needs")

// wrapperPaths are glob patterns of the library that gives a name to a uid: nss_wrapper.
var wrapperPaths = []string{"/usr/lib/*/libnss_wrapper.so", "/usr/lib64/libnss_wrapper.so", "/usr/lib/libnss_wrapper.so", "/usr/local/lib/libnss_wrapper.so"}

// nameEnv returns environment variables that give the user of the account a name for programs. The user has none in
// containers that run as any uid. nameEnv writes the files to which the variables refer to dir. It fails with
// ErrNoUserName if the library nss_wrapper is not installed.
func (a *account) nameEnv(dir string) ([]string, error) {
	if a.name != "" {
		return nil, nil
	}
	for _, pattern := range wrapperPaths {
		found, _ := filepath.Glob(pattern)
		for _, library := range found {
			if info, err := os.Stat(library); err != nil || !info.Mode().IsRegular() {
				continue
			}
			passwd, group := filepath.Join(dir, "passwd"), filepath.Join(dir, "group")
			return []string{"LD_PRELOAD=" + library, "NSS_WRAPPER_PASSWD=" + passwd, "NSS_WRAPPER_GROUP=" + group}, errors.Join(
				writeFile(passwd, fmt.Sprintf("%s:x:%d:%d::%s:/bin/false\n", User, a.uid, a.gid, dir)),
				writeFile(group, fmt.Sprintf("%s:x:%d:\n", User, a.gid)),
			)
		}
	}
	return nil, fmt.Errorf("uid %d: %w: install libnss-wrapper (apt-get install libnss-wrapper), add an entry, or let DATABASE_URL name a running server", a.uid, ErrNoUserName)
}
