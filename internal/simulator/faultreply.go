package simulator

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// htmlPage is what the platform's edge shows instead of an answer.
const htmlPage = `<!DOCTYPE html>
<html><head><title>405</title></head>
<body><h1>Sorry, your request has been blocked as it may cause potential threats to the server's security.</h1></body></html>
`

// maxHang ends a call that hangs, if the client does not.
const maxHang = 10 * time.Minute

// retryAfter sets the Retry-After header that a fault asks for.
func retryAfter(h http.Header, f fault.Fault) {
	if f.RetryAfter > 0 {
		h.Set("Retry-After", fmt.Sprint(f.RetryAfter))
	}
}

// replace sends a fault in the place of the documented reply, and returns the status sent; 0 for
// none.
func (s *Simulator) replace(w http.ResponseWriter, r *http.Request, f fault.Fault, requestID string) int {
	retryAfter(w.Header(), f)
	rep := reply{status: f.HTTPStatus(), contentType: jsonType}
	switch f.Kind {
	case fault.HTML:
		rep.contentType, rep.body = "text/html;charset=utf-8", []byte(htmlPage)
	case fault.Block:
		rep.body = fmt.Appendf(nil, `{"status":1111,"wait":5,"source":"x5","punish":"deny","uuid":%q}`, requestID)
	case fault.Empty:
	case fault.OtherJSON:
		rep.body = []byte(`{"success":true,"result":{"value":42},"arguments":[]}`)
	case fault.Huge:
		return huge(w, r, f)
	case fault.Hang:
		pause.For(r.Context(), maxHang)
		reset(w)
		return 0
	case fault.Reset:
		reset(w)
		return 0
	default:
		e := failure(f.Kind)
		e.status = f.HTTPStatus()
		rep = errorReply(e, requestID)
	}
	s.write(w, rep)
	return rep.status
}

// huge sends valid JSON that is too long to be read to its end.
func huge(w http.ResponseWriter, r *http.Request, f fault.Fault) int {
	w.Header().Set("Content-Type", jsonType)
	w.WriteHeader(f.HTTPStatus())
	const head, tail = `{"memberModels":[],"totalCount":0,"padding":"`, `"}`
	left := f.Size() - int64(len(head)+len(tail))
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
	return f.HTTPStatus()
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

// deliver sends a documented reply, damaged by the faults given, and returns the status sent.
func (s *Simulator) deliver(w http.ResponseWriter, rep reply, damage []fault.Fault) int {
	cut := false
	for _, f := range damage {
		retryAfter(w.Header(), f)
		switch f.Kind {
		case fault.Truncated:
			rep.body = rep.body[:len(rep.body)/2]
		case fault.ContentType:
			rep.contentType = "text/html;charset=utf-8"
		case fault.Gzip:
			rep.body = gzipped(rep.body)
			w.Header().Set("Content-Encoding", "gzip")
		case fault.Cut:
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
