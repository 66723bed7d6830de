package simulator

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/base/pause"
)

// htmlPage is what the platform's edge shows instead of an answer.
const htmlPage = `<!DOCTYPE html>
<html><head><title>405</title></head>
<body><h1>Sorry, your request has been blocked as it may cause potential threats to the server's security.</h1></body></html>
`

const (
	defaultHuge = 64 << 20
	maxHang     = 10 * time.Minute
)

// replace sends a fault in the place of the honest reply, and returns the status sent; 0 for none.
func (s *Simulator) replace(w http.ResponseWriter, r *http.Request, f Fault, requestID string) int {
	f.retryHeader(w.Header())
	rep := reply{status: f.status(), contentType: jsonType}
	switch f.Kind {
	case FaultHTML:
		rep.contentType, rep.body = "text/html;charset=utf-8", []byte(htmlPage)
	case FaultBlock:
		rep.body = fmt.Appendf(nil, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":%q}`, requestID)
	case FaultEmpty:
	case FaultOtherJSON:
		rep.body = []byte(`{"success":true,"result":{"value":42},"arguments":[]}`)
	case FaultHuge:
		return huge(w, r, f)
	case FaultHang:
		pause.For(r.Context(), maxHang)
		reset(w)
		return 0
	case FaultReset:
		reset(w)
		return 0
	default:
		e := failure(f.Kind)
		e.status = f.status()
		rep = errorReply(e, requestID)
	}
	s.write(w, rep)
	return rep.status
}

// huge sends valid JSON that has no end worth waiting for.
func huge(w http.ResponseWriter, r *http.Request, f Fault) int {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(f.status())
	const head, tail = `{"memberModels":[],"totalCount":0,"padding":"`, `"}`
	left := cmp.Or(f.Bytes, defaultHuge) - int64(len(head)+len(tail))
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	_, err := w.Write([]byte(head))
	for left > 0 && err == nil && r.Context().Err() == nil {
		n := min(left, int64(len(chunk)))
		_, err = w.Write(chunk[:n])
		left -= n
	}
	if err == nil {
		_, _ = w.Write([]byte(tail))
	}
	return f.status()
}

// reset ends the connection with a TCP reset.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: net/http resets the stream
	}
	raw := conn
	if wrapped, ok := conn.(interface{ NetConn() net.Conn }); ok {
		raw = wrapped.NetConn() // TLS
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// deliver sends an honest reply through what damages it, and returns the status sent.
func (s *Simulator) deliver(w http.ResponseWriter, rep reply, damage []Fault) int {
	cut := false
	for _, f := range damage {
		f.retryHeader(w.Header())
		switch f.Kind {
		case FaultTruncated:
			rep.body = rep.body[:len(rep.body)/2]
		case FaultContentType:
			rep.contentType = "text/html;charset=utf-8"
		case FaultGzip:
			rep.body = gzipped(rep.body)
			w.Header().Set("Content-Encoding", "gzip")
		case FaultCut:
			cut = true
		}
	}
	if !cut {
		s.write(w, rep)
		return rep.status
	}
	whole := len(rep.body)
	w.Header().Set("Content-Type", rep.contentType)
	w.Header().Set("Content-Length", fmt.Sprint(whole))
	w.WriteHeader(rep.status)
	_, _ = w.Write(rep.body[:whole/2])
	_ = http.NewResponseController(w).Flush()
	return rep.status // net/http closes the connection, because half of the body is missing
}

func gzipped(body []byte) []byte {
	var out strings.Builder
	zw := gzip.NewWriter(&out)
	_, _ = zw.Write(body) // a strings.Builder takes everything
	_ = zw.Close()
	return []byte(out.String())
}
