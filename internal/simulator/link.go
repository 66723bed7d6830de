package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

const (
	linkQueue    = 256
	maxResponse  = 1 << 20
	writeTimeout = 5 * time.Second
)

// link is one stream connection.
type link struct {
	sim           *Simulator
	subscriptions []subscription
	acks          chan<- ack
	conn          *muteConn
	ws            *websocket.Conn
	out           chan parcel
	pongs         chan response
}

// parcel is a frame to send, or what to do to the connection.
type parcel struct {
	frame   []byte
	disturb fault.Fault
}

// serveLink serves a stream connection until either side ends it.
func (s *Simulator) serveLink(w http.ResponseWriter, r *http.Request) {
	l, ctx, refusal := s.admit(r.URL.Query().Get("ticket"))
	if refusal != 0 {
		http.Error(w, http.StatusText(refusal), refusal)
		return
	}
	defer s.leave()
	hijacker := &muteHijacker{ResponseWriter: w}
	ws, err := websocket.Accept(hijacker, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		s.logger.Debug("simulator: no stream connection", "error", err)
		return
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(maxResponse)
	l.conn, l.ws = hijacker.conn, ws
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.join(l)
	defer s.part(l)
	var writing sync.WaitGroup
	defer writing.Wait()
	defer cancel()
	writing.Go(func() {
		defer cancel()
		l.write(ctx)
	})
	l.read(ctx)
}

// read takes what the client sends until the connection ends.
func (l *link) read(ctx context.Context) {
	for {
		_, data, err := l.ws.Read(ctx)
		if err != nil {
			return
		}
		var r response
		if json.Unmarshal(data, &r) != nil {
			l.sim.logger.Debug("simulator: a stream client sent what is no response")
			continue
		}
		if isPong(r) {
			select {
			case l.pongs <- r:
			default: // one too many
			}
			continue
		}
		select {
		case l.acks <- ack{r.Headers["messageId"], r.acknowledged()}:
		case <-ctx.Done():
			return
		}
	}
}

// send sends something soon, unless too much waits to be sent.
func (l *link) send(p parcel) bool {
	select {
	case l.out <- p:
		return true
	default:
		return false
	}
}

// write sends frames and pings until the connection ends, or is to end.
func (l *link) write(ctx context.Context) {
	settings := l.sim.settings.Stream
	patience := time.Duration(settings.AckTimeout)
	ticker := time.NewTicker(time.Duration(settings.PingEvery))
	defer ticker.Stop()
	var ping pinger
	var closing <-chan time.Time
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case p := <-l.out:
			var over bool
			if over, err = l.deliver(ctx, p); over {
				closing = time.After(patience)
			}
		case <-ticker.C:
			if ping.overdue == nil && !l.conn.muted.Load() {
				err = l.writeFrame(ctx, encoded(ping.next(l.sim.now(), patience)))
			}
		case r := <-l.pongs:
			ping.answered(r)
		case <-ping.overdue:
			ping.overdue = nil
			if !settings.IgnorePings && !l.conn.muted.Load() {
				return
			}
		case <-closing:
			return
		}
		if err != nil {
			return
		}
	}
}

func (l *link) writeFrame(ctx context.Context, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return l.ws.Write(ctx, websocket.MessageText, data)
}

// deliver sends a frame, or does what is to be done to the connection. It says whether the client
// is to leave.
func (l *link) deliver(ctx context.Context, p parcel) (over bool, err error) {
	switch p.disturb.Kind {
	case "":
		return false, l.writeFrame(ctx, p.frame)
	case fault.StreamDrop:
		l.conn.reset()
	case fault.StreamSilence:
		l.sim.part(l)
		l.conn.muted.Store(true)
	case fault.StreamDisconnect:
		l.sim.part(l)
		goodbye := newFrame(frameSystem, topicDisconnect, "disconnect", l.sim.now(), []byte(`{"reason":"it is time"}`))
		return true, l.writeFrame(ctx, encoded(goodbye))
	case fault.StreamGarbage:
		return false, l.garbage(ctx)
	case fault.StreamHuge:
		return false, l.huge(ctx, p.disturb.Size())
	}
	return false, nil
}

// garbage sends what no client can make sense of.
func (l *link) garbage(ctx context.Context) error {
	for _, text := range []string{"}{ no JSON", "[]", `{"specVersion":"9","type":"WEATHER","headers":{"topic":"*"},"data":"?"}`} {
		if err := l.writeFrame(ctx, []byte(text)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return l.ws.Write(ctx, websocket.MessageBinary, []byte{0, 0xff})
}

// huge sends a frame that is valid but for its size.
func (l *link) huge(ctx context.Context, size int64) error {
	w, err := l.ws.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	const head, tail = `{"specVersion":"1.0","type":"EVENT","headers":{"topic":"*","messageId":"huge"},"data":"`, `"}`
	left := size - int64(len(head)+len(tail))
	_, err = w.Write([]byte(head))
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	for left > 0 && err == nil {
		n := min(left, int64(len(chunk)))
		_, err = w.Write(chunk[:n])
		left -= n
	}
	if err == nil {
		_, err = w.Write([]byte(tail))
	}
	if err != nil {
		return err
	}
	return w.Close()
}
