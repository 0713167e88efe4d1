package eventstore_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"roomlog/domain"
	"roomlog/eventstore"
	"roomlog/eventstore/pgtest"
)

// processEnv is the environment variable with the connection string for a process that a test starts.
const processEnv = "ROOMLOG_EVENTSTORE_TEST_PROCESS"

// otherProcess adds gifts as fast as it can and prints the position of each. It ends when its standard input ends, at
// the latest when the test ends.
func otherProcess(dsn string) int {
	ctx := context.Background()
	pool, err := eventstore.OpenPool(ctx, dsn, eventstore.PoolOptions{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	store, err := eventstore.Open(ctx, pool, eventstore.Config{Now: time.Now})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	sequencer := eventstore.NewSequencer(store, eventstore.SequencerConfig{})
	go sequencer.Run(ctx)
	for range 8 {
		go func() {
			for {
				r, err := sequencer.Execute(ctx, domain.Request{Command: domain.AddGift{Name: "elsewhere", Price: 1}, Actor: operator})
				if err != nil {
					fmt.Println("error", err)
				} else {
					fmt.Println(r.Position)
				}
			}
		}()
	}
	io.Copy(io.Discard, os.Stdin)
	return 0
}

// otherNode is another process that appends to the same log.
type otherNode struct {
	t       testing.TB
	process *os.Process

	mu      sync.Mutex
	results []int64
	wrong   []string
}

func startOtherNode(t testing.TB, dsn string) *otherNode {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), processEnv+"="+dsn)
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n := &otherNode{t: t, process: cmd.Process}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n.hear(lines.Text())
		}
	}()
	t.Cleanup(func() {
		n.signal(syscall.SIGKILL)
		<-read
		cmd.Wait()
	})
	return n
}

func (n *otherNode) hear(line string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if position, err := strconv.ParseInt(line, 10, 64); err == nil {
		n.results = append(n.results, position)
	} else if strings.HasPrefix(line, "error") {
		n.wrong = append(n.wrong, line)
	}
}

func (n *otherNode) acknowledged() []int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]int64(nil), n.results...)
}

func (n *otherNode) signal(s syscall.Signal) {
	if err := n.process.Signal(s); err != nil && s != syscall.SIGKILL {
		n.t.Error(err)
	}
}

// freezeWithLock freezes the process during a transaction, so that it keeps the lock of the log.
func (n *otherNode) freezeWithLock(l *testLog) {
	n.t.Helper()
	eventually(n.t, "the frozen process holds the lock", func() bool {
		n.signal(syscall.SIGSTOP)
		var idle bool
		err := l.db.Owner.QueryRow(context.Background(), `
			SELECT EXISTS (SELECT FROM pg_stat_activity a JOIN pg_locks k USING (pid)
				WHERE a.datname = current_database() AND a.state = 'idle in transaction'
				AND k.locktype = 'advisory' AND k.granted AND k.objid = $1)`, logLock).Scan(&idle)
		if err != nil {
			n.t.Fatal(err)
		}
		if !idle {
			n.signal(syscall.SIGCONT)
		}
		return idle
	})
}

func TestOtherProcessIsFrozenAndKilled(t *testing.T) {
	t.Parallel()
	l := openLog(t, pgtest.New(t), eventstore.SequencerConfig{Timeout: time.Minute})
	list := domain.AddGift{Name: "here", Price: 1}
	n := startOtherNode(t, l.db.DSN)
	for range 2 {
		before := len(n.acknowledged())
		eventually(t, "the other process appends", func() bool { return len(n.acknowledged()) > before+20 })
		n.freezeWithLock(l)
		l.do(list) // the command succeeds while the other process is frozen
		n.signal(syscall.SIGCONT)
	}
	before := len(n.acknowledged())
	eventually(t, "the other process appends again", func() bool { return len(n.acknowledged()) > before+20 })
	n.signal(syscall.SIGKILL)
	l.do(list)
	events := l.verified()
	for _, position := range n.acknowledged() {
		if position > int64(len(events)) || events[position-1].Event.(domain.GiftAdded).Name != "elsewhere" {
			t.Fatalf("position %d was acknowledged and is not there", position)
		}
	}
	if len(n.wrong) > 0 {
		t.Errorf("the other process got %s", n.wrong[0])
	}
}
