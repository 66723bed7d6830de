package consumer_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/events/consumer"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// A Trail is an audit trail: a file with an event on each line, together with the SHA-256 of the
// line before. Whoever changes, removes or inserts a line breaks the chain at the next. Only at the
// end can lines be removed without a trace, so keep the sum of the last line somewhere else now and
// then.
//
// It is a [consumer.Memory], too: as events come one after the other, the only one that can come
// again is the last.
type Trail struct {
	mu   sync.Mutex
	file *os.File
	size int64
	end  end
}

// end is the last line of a trail.
type end struct {
	lines int
	sum   string // of the line, in hexadecimal
	id    string // of its event
}

// line is one line of a trail.
type line struct {
	Previous string          `json:"previous"` // the sum of the line before; of the first line none
	Event    json.RawMessage `json:"event"`
}

// maxLine bounds a line, in bytes: an event is far smaller.
const maxLine = 1 << 20

// OpenTrail opens the trail, or makes it. A last line without its end was being written when the
// program or the machine stopped: it is taken away, and the event comes again. Any other fault is
// an error.
func OpenTrail(path string) (*Trail, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	t := &Trail{file: file}
	if t.end, t.size, err = Verify(file); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		err = t.cut()
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return t, nil
}

// Verify reads a trail and checks its chain. It returns its end and its size up to there;
// [io.ErrUnexpectedEOF] says that half a line follows.
func Verify(r io.Reader) (last end, size int64, err error) {
	in := bufio.NewReaderSize(r, maxLine)
	for {
		text, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, io.EOF) && len(text) == 0:
			return last, size, nil
		case errors.Is(err, io.EOF):
			return last, size, io.ErrUnexpectedEOF
		case err != nil:
			return last, size, err
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return last, size, fmt.Errorf("line %d: %w", last.lines+1, err)
		}
		if l.Previous != last.sum {
			return last, size, fmt.Errorf("line %d: the chain is broken: it follows on another line", last.lines+1)
		}
		e, err := events.Decode(l.Event)
		if err != nil {
			return last, size, fmt.Errorf("line %d: %w", last.lines+1, err)
		}
		last = end{last.lines + 1, sumOf(text), e.ID}
		size += int64(len(text))
	}
}

func sumOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// cut takes away what follows the last whole line.
func (t *Trail) cut() error {
	if err := t.file.Truncate(t.size); err != nil {
		return err
	}
	_, err := t.file.Seek(t.size, io.SeekStart)
	return err
}

// Add is the handler: once it returns, the event is on the disk. What could not be written whole is
// taken away.
func (t *Trail) Add(_ context.Context, d consumer.Delivery) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	text, err := json.Marshal(line{t.end.sum, d.Payload})
	if err != nil {
		return err
	}
	text = append(text, '\n')
	if _, err = t.file.Write(text); err == nil {
		err = t.file.Sync()
	}
	if err != nil {
		return errors.Join(err, t.cut())
	}
	t.end, t.size = end{t.end.lines + 1, sumOf(text), d.ID}, t.size+int64(len(text))
	return nil
}

// Seen implements [consumer.Memory].
func (t *Trail) Seen(_ context.Context, id string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.end.id == id, nil
}

// Remember implements [consumer.Memory]: the line itself is the memory.
func (t *Trail) Remember(context.Context, string) error { return nil }

// Close closes the file.
func (t *Trail) Close() error { return t.file.Close() }

// An audit trail in a file: it has every event once, whenever the program or the machine stops, and
// shows when somebody has tampered with it.
func Example_auditTrail() {
	url, stop := streamtest.Example() // stands in for a running Rollcall
	defer stop()
	dir, err := os.MkdirTemp("", "trail-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "trail.jsonl")

	record(url, path, 1) // is stopped after the first event,
	half, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		log.Fatal(err)
	}
	_, err = half.WriteString(`{"previous":"5f`) // or in the middle of the second,
	if err := errors.Join(err, half.Close()); err != nil {
		log.Fatal(err)
	}
	record(url, path, 3) // and goes on

	text, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	last, _, err := Verify(bytes.NewReader(text))
	fmt.Println(last.lines, "lines, error:", err)
	_, _, err = Verify(bytes.NewReader(bytes.Replace(text, []byte("Bob"), []byte("Eve"), 1)))
	fmt.Println("changed:", err)
	lines := bytes.SplitAfter(text, []byte("\n"))
	_, _, err = Verify(bytes.NewReader(bytes.Join([][]byte{lines[0], lines[2]}, nil)))
	fmt.Println("removed:", err)
	// Output:
	// 3 lines, error: <nil>
	// changed: line 3: the chain is broken: it follows on another line
	// removed: line 2: the chain is broken: it follows on another line
}

// record writes the trail until it has so many lines.
func record(url, path string, lines int) {
	trail, err := OpenTrail(path)
	if err != nil {
		log.Fatal(err)
	}
	defer trail.Close()
	nc, err := nats.Connect(url)
	if err != nil {
		log.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	err = consumer.Run(ctx, js, consumer.Options{Name: "audit", Memory: trail}, func(ctx context.Context, d consumer.Delivery) error {
		if err := trail.Add(ctx, d); err != nil {
			return err
		}
		if trail.end.lines == lines {
			cancel()
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
}
