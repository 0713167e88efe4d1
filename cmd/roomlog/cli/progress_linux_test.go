package cli_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"roomlog/cmd/roomlog/cli"
	"roomlog/internal/waittest"
)

// terminal opens a pseudo-terminal. What is written to one of the files can be read from the other.
func terminal(t *testing.T) (screen, program *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this machine has no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { screen.Close() })
	var number, locked int32
	for request, value := range map[uintptr]*int32{syscall.TIOCGPTN: &number, syscall.TIOCSPTLCK: &locked} {
		if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request, uintptr(unsafe.Pointer(value))); errno != 0 {
			t.Fatal(errno)
		}
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("this machine has no pseudo-terminals: ", err)
	}
	t.Cleanup(func() { program.Close() })
	return screen, program
}

// TestProgressIsForTerminals prints the progress of a command to a terminal and to a file.
func TestProgressIsForTerminals(t *testing.T) {
	t.Parallel()
	screen, program := terminal(t)
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, to := range []*os.File{program, file} {
		now := time.Unix(1_800_000_000, 0)
		p := cli.NewProgress(cli.Shell{Stderr: to, Now: func() time.Time { return now }})
		p.Print(100, 1000)
		now = now.Add(2 * time.Second)
		p.Print(500, 1000)
		p.End()
		p.End() // nothing was printed since
	}
	const want = "\rposition 100 of 1000 (10 %), 0 positions/s   \rposition 500 of 1000 (50 %), 200 positions/s   \r\n" // a terminal writes \n as \r\n
	shown := make(chan string, 1)
	go func() { // the read ends when the test closes the terminal
		got := make([]byte, len(want))
		n, err := io.ReadFull(screen, got)
		if err != nil {
			t.Error(err)
		}
		shown <- string(got[:n])
	}()
	if got := waittest.Receive(t, shown, "the text on the terminal"); got != want {
		t.Errorf("the terminal shows %q, want %q", got, want)
	}
	if info, err := file.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("the file has %d bytes, %v", info.Size(), err)
	}
}
