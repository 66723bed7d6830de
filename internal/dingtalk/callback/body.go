package callback

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

const (
	// maxBody bounds the body of a request, in bytes.
	maxBody = 1 << 20
	// maxDiscard is how much of a body that is too large is read and thrown away, so that its
	// sender, who may write all of it before reading anything, gets to see the answer.
	maxDiscard = 8 << 20
	// firstBuffer is the room for a body to begin with. It is what a connection takes anyway and is
	// not counted.
	firstBuffer = 4 << 10
	// maxMemory bounds what all bodies larger than that take up together, in bytes.
	maxMemory = 32 << 20
)

var errMemory = errors.New("no memory left for bodies of this size")

// read returns the body of a request. Until done is called the memory counts as taken; what counts
// is what has arrived, not what a request says will, so that requests that send nothing do not use
// up the memory.
func (h *handler) read(w http.ResponseWriter, r *http.Request) (body []byte, done func(), no *refusal) {
	connection := http.NewResponseController(w)
	// Not every connection has deadlines. Those of net/http have.
	_ = connection.SetReadDeadline(time.Now().Add(h.opts.ReadTimeout))
	var taken int64
	done = func() { h.memory.Release(taken) }
	if r.ContentLength > maxBody {
		return nil, done, h.tooLarge(w, r)
	}
	buf := make([]byte, 0, firstBuffer)
	for {
		n, err := r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > maxBody:
			return nil, done, h.tooLarge(w, r)
		case err == io.EOF: //nolint:errorlint // never wrapped
			// Left standing, the deadline could end the contexts of this request and of all later
			// ones on the connection. For HTTP/1 net/http takes it away by itself, without
			// promising it.
			_ = connection.SetReadDeadline(time.Time{})
			return buf, done, nil
		case err != nil:
			w.Header().Set("Connection", "close")
			return nil, done, unread(err)
		}
		if len(buf) == cap(buf) {
			more := int64(cap(buf))
			if !h.memory.TryAcquire(more) {
				w.Header().Set("Connection", "close")
				return nil, done, refused(Overloaded, errMemory)
			}
			taken += more
			buf = append(make([]byte, 0, 2*cap(buf)), buf...)
		}
	}
}

// tooLarge reads on for a while, within the deadline of the body. What is left then ends the
// connection.
func (h *handler) tooLarge(w http.ResponseWriter, r *http.Request) *refusal {
	if _, err := io.CopyN(io.Discard, r.Body, maxDiscard); !errors.Is(err, io.EOF) {
		w.Header().Set("Connection", "close")
	}
	return refused(TooLarge, errors.New("body over 1 MiB"))
}

func unread(err error) *refusal {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return refused(TooSlow, errors.New("body not there in time"))
	}
	return refused(Malformed, fmt.Errorf("body cut off: %w", err))
}
