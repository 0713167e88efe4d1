// Command vendorweb fetches the JavaScript libraries of the page from npm into api/web/assets/vendor, one minified ES
// module for each, with the licenses and the SHA-256 of every file. It fails if a version that is there already has other
// content than before.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// folder is the folder of the libraries, seen from the folder of this module.
const folder = "../api/web/assets/vendor"

// library is one module of the page.
type library struct {
	file     string   // name of the module
	packages []string // npm packages with their exact versions
	source   string   // module that is bundled with them
}

var libraries = []library{
	{"ui.js", []string{"preact@11.2.0", "htm@3.1.1", "@preact/signals@2.11.4", "@preact/signals-core@1.14.5"}, `
		import {h} from "preact"; import htm from "htm";
		export {h, render, Fragment} from "preact";
		export {useEffect, useLayoutEffect, useRef, useState, useMemo, useCallback} from "preact/hooks";
		export {signal, computed, effect, batch, untracked, useSignal, useComputed, useSignalEffect} from "@preact/signals";
		export const html = htm.bind(h);`},
	{"mpegts.js", []string{"mpegts.js@1.8.2"}, `import mpegts from "mpegts.js/dist/mpegts.js"; export default mpegts;`},
	{"hls.js", []string{"hls.js@1.7.4"}, `export {default} from "hls.js/dist/hls.light.mjs";`},
	{"uplot.js", []string{"uplot@1.6.32"}, `export {default} from "uplot";`},
	{"danmaku.js", []string{"danmaku@2.0.10"}, `export {default} from "danmaku";`},
	{"qrcode.js", []string{"qrcode-generator@2.0.4"}, `export {default, qrcode} from "qrcode-generator";`},
}

// styles are style sheets that are copied as they are.
var styles = map[string]string{"uplot.css": "uplot/dist/uPlot.min.css"}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "vendorweb:", err)
		os.Exit(1)
	}
}

func run() error {
	work, err := os.MkdirTemp("", "vendorweb-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	var packages []string
	for _, l := range libraries {
		packages = append(packages, l.packages...)
	}
	install := exec.Command("npm", append([]string{"install", "--prefix", work, "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", "--loglevel=error"}, packages...)...)
	install.Stdout, install.Stderr = os.Stderr, os.Stderr
	if err := install.Run(); err != nil {
		return fmt.Errorf("npm install: %w", err)
	}
	files := map[string][]byte{}
	for _, l := range libraries {
		if files[l.file], err = bundle(work, l); err != nil {
			return err
		}
	}
	for name, path := range styles {
		if files[name], err = os.ReadFile(filepath.Join(work, "node_modules", path)); err != nil {
			return err
		}
	}
	if files["LICENSES.txt"], err = licenses(work, packages); err != nil {
		return err
	}
	return write(files, packages)
}

// bundle returns a library as one minified module.
func bundle(work string, l library) ([]byte, error) {
	result := api.Build(api.BuildOptions{
		Stdin:  &api.StdinOptions{Contents: l.source, ResolveDir: work, Sourcefile: l.file},
		Bundle: true, Format: api.FormatESModule, Platform: api.PlatformBrowser, Target: api.ES2022, MainFields: []string{"module", "main"},
		MinifyWhitespace: true, MinifyIdentifiers: true, MinifySyntax: true, LegalComments: api.LegalCommentsNone, Charset: api.CharsetUTF8,
		Banner: map[string]string{"js": "/*! " + strings.Join(l.packages, ", ") + "; licenses: LICENSES.txt */"},
	})
	if len(result.Errors) > 0 {
		return nil, errors.New(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{}), "\n"))
	}
	return result.OutputFiles[0].Contents, nil
}

// licenses returns the licenses of packages. It fails for a license that is not permissive.
func licenses(work string, packages []string) ([]byte, error) {
	var all bytes.Buffer
	for _, name := range packages {
		dir := filepath.Join(work, "node_modules", name[:strings.LastIndex(name, "@")])
		var described struct{ License string }
		text, err := os.ReadFile(filepath.Join(dir, "package.json"))
		if err == nil {
			err = json.Unmarshal(text, &described)
		}
		if err != nil {
			return nil, err
		}
		if !slices.Contains([]string{"MIT", "Apache-2.0", "BSD-3-Clause", "ISC"}, described.License) {
			return nil, fmt.Errorf("the license of %s is %q", name, described.License)
		}
		fmt.Fprintf(&all, "%s\n%s: %s\n\n", strings.Repeat("-", 80), name, described.License)
		found, err := filepath.Glob(filepath.Join(dir, "LICENSE*"))
		if err != nil {
			return nil, err
		}
		for _, file := range found {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			all.Write(append(bytes.TrimSpace(text), "\n\n"...))
		}
	}
	return all.Bytes(), nil
}

// write writes the files and their hashes. It refuses other content for the versions that are recorded.
func write(files map[string][]byte, packages []string) error {
	list := &bytes.Buffer{}
	fmt.Fprintf(list, "# %s\n", strings.Join(packages, " "))
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		sum := sha256.Sum256(files[name])
		fmt.Fprintf(list, "%s  %s\n", hex.EncodeToString(sum[:]), name)
		fmt.Printf("%s: %d bytes\n", name, len(files[name]))
	}
	sums := filepath.Join(folder, "SHA256SUMS")
	recorded, err := os.ReadFile(sums)
	sameVersions := err == nil && bytes.HasPrefix(recorded, []byte("# "+strings.Join(packages, " ")+"\n"))
	if sameVersions && !bytes.Equal(recorded, list.Bytes()) {
		return fmt.Errorf("the same versions have other content than recorded in %s: want\n%sgot\n%s", sums, recorded, list)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return os.WriteFile(sums, list.Bytes(), 0o644)
}
