package native

import (
	"context"
	"sync"
)

// taskWorkers is the number of tasks that run at the same time.
const taskWorkers = 4

// tasks runs functions in the background. Methods that the hub calls while it holds its lock must not block, so they
// add their work here.
type tasks struct {
	mu    sync.Mutex
	queue []func()
	work  chan struct{} // wakes a worker
}

func newTasks() *tasks { return &tasks{work: make(chan struct{}, taskWorkers)} }

// add queues a task. It does not block.
func (t *tasks) add(task func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(t.queue, task)
	select {
	case t.work <- struct{}{}:
	default: // enough workers are being woken; each of them empties the queue
	}
}

func (t *tasks) next() func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		t.queue = nil
		return nil
	}
	task := t.queue[0]
	t.queue = t.queue[1:]
	return task
}

// run runs tasks until ctx ends.
func (t *tasks) run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range taskWorkers {
		workers.Go(func() {
			for ctx.Err() == nil {
				if task := t.next(); task != nil {
					task()
					continue
				}
				select {
				case <-t.work:
				case <-ctx.Done():
				}
			}
		})
	}
	workers.Wait()
	return nil
}
