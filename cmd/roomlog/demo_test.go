package main_test

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	pages "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// demonstration is a running demo.
type demonstration struct {
	t      testing.TB
	cmd    *exec.Cmd
	folder string
	site   string
	ended  chan error

	mu     sync.Mutex
	output strings.Builder
}

var demoLine = regexp.MustCompile(`(?m)^Starting a server in (\S+) …$|^  Open +(http://\S+)/$`)

// startDemo starts the demo on free ports and waits until it prints the address of its page.
func startDemo(t testing.TB) *demonstration {
	t.Helper()
	d := &demonstration{t: t, cmd: exec.Command(program(t), "demo", "--http", "127.0.0.1:0", "--rtmp", "127.0.0.1:0", "--flv", "127.0.0.1:0"), ended: make(chan error, 1)}
	d.cmd.Env = environment0()
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = d.cmd.Stdout
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	open := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			d.mu.Lock()
			d.output.WriteString(lines.Text() + "\n")
			d.mu.Unlock()
			found := demoLine.FindStringSubmatch(lines.Text())
			if found != nil && found[1] != "" {
				d.folder = found[1]
			} else if found != nil {
				open <- found[2]
			}
		}
		d.ended <- d.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("the demo printed:\n%s", d.text())
		}
	})
	select {
	case d.site = <-open:
	case err := <-d.ended:
		t.Fatalf("the demo ended: %v\n%s", err, d.text())
	case <-time.After(timeout):
		t.Fatalf("the demo prints no address:\n%s", d.text())
	}
	return d
}

func (d *demonstration) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.output.String()
}

// end interrupts the demo like Ctrl-C, and requires that it deletes its folder.
func (d *demonstration) end() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGINT); err != nil {
		d.t.Fatal(err)
	}
	select {
	case err := <-d.ended:
		if err != nil {
			d.t.Errorf("the demo ended with %v\n%s", err, d.text())
		}
	case <-time.After(timeout):
		d.t.Fatalf("the demo does not end:\n%s", d.text())
	}
	if _, err := os.Stat(d.folder); !os.IsNotExist(err) {
		d.t.Errorf("the demo has left its folder %s", d.folder)
	}
}

// resize changes the size of the page.
func (p *inspector) resize(width int64) {
	p.t.Helper()
	p.width = width
	height := map[bool]int64{true: 844, false: 900}[width < 500]
	p.drive(emulation.SetDeviceMetricsOverride(width, height, 1, width < 500))
}

// still asks the page for no motion, so that no color is between two others.
func (p *inspector) still() {
	p.t.Helper()
	reduced := emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}})
	p.drive(reduced)
}

// types types a text into an element, as a keyboard does.
func (p *inspector) types(selector, text string) {
	p.t.Helper()
	p.drive(chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// screenshot writes what the window shows as a WebP file.
func (p *inspector) screenshot(file string) {
	p.t.Helper()
	var content []byte
	capture := chromedp.ActionFunc(func(ctx context.Context) (err error) {
		content, err = pages.CaptureScreenshot().WithFormat(pages.CaptureScreenshotFormatWebp).WithQuality(82).Do(ctx)
		return err
	})
	p.drive(capture)
	if err := os.WriteFile(file, content, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// axeScript returns the source of axe-core, which finds faults of accessibility.
func axeScript(t testing.TB) string {
	t.Helper()
	need(t, "node", "npm")
	script, err := os.ReadFile(filepath.Join(npmPackages(t, "testdata/clients/page"), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}
