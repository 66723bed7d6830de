package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// apiError is a reply other than 200.
type apiError struct {
	status        int
	code, message string
}

// failure returns the error reply of a kind of fault.
func failure(kind fault.Kind) *apiError {
	status, code, message := kind.Reply()
	return &apiError{status, code, message}
}

// Handler returns the API, the stream gateway, which serves connections while [Simulator.RunPushes]
// runs, the group robots and, below /_sim/, the control API.
func (s *Simulator) Handler() http.Handler {
	control := s.control()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/_sim/"):
			control.ServeHTTP(w, r)
		case r.URL.Path == linkPath:
			s.serveLink(w, r)
		case r.URL.Path == robotPath:
			s.serveRobot(w, r)
		default:
			s.serveAPI(w, r)
		}
	})
}

func (s *Simulator) serveAPI(w http.ResponseWriter, r *http.Request) {
	c, apiErr := parseCall(r)
	if apiErr == nil {
		c.body, apiErr = readBody(w, r)
	}
	if apiErr != nil {
		s.write(w, errorReply(apiErr, s.requestID()))
		return
	}
	id, faults, throttled := s.begin(c)
	for _, f := range faults {
		if f.Kind.Stage() == fault.StageReply {
			s.done(c, id, s.replace(w, r, f, id))
			return
		}
		retryAfter(w.Header(), f)
		if !pause.For(r.Context(), time.Duration(f.Delay)) {
			s.done(c, id, 0)
			return
		}
	}
	if throttled != "" {
		rep := errorReply(failure(throttled), id)
		s.write(w, rep)
		s.done(c, id, rep.status)
		return
	}
	rep, damage := s.answer(c, id)
	s.done(c, id, s.deliver(w, rep, damage))
}

// begin counts a call, and decides whether the limits let it pass and which faults stand in its
// way.
func (s *Simulator) begin(c call) (requestID string, faults []fault.Fault, throttled fault.Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.stats.arrived(c.class, now)
	if c.class == fault.ClassMembers {
		if _, ok := s.meetings.Find(c.meeting); ok {
			s.stats.members[c.meeting]++
		}
	}
	if throttled = s.limits.take(c.class, now); throttled != "" {
		s.stats.throttled(c.class)
		return s.nextRequestID(), s.struck(c, now, fault.StageWait), throttled
	}
	faults = s.struck(c, now, fault.StageWait, fault.StageReply)
	for _, f := range faults {
		if f.Kind == fault.ExpireToken {
			s.tokens.revoke()
		}
	}
	return s.nextRequestID(), faults, ""
}

// struck returns the faults that hit the call, and counts them.
func (s *Simulator) struck(c call, now time.Time, stages ...fault.Stage) []fault.Fault {
	faults := s.faults.Strike(c.class, c.meeting, now.UnixMilli(), s.rng, stages...)
	for _, f := range faults {
		s.stats.faults[f.Kind]++
	}
	return faults
}

// answer makes the reply that the platform documents, and returns the faults that damage it on its
// way.
func (s *Simulator) answer(c call, requestID string) (reply, []fault.Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	v, err := s.honest(c, now)
	if err != nil {
		return errorReply(err, requestID), s.struck(c, now, fault.StageBody)
	}
	damage := s.struck(c, now, fault.StageBody)
	if page, ok := v.(*memberPage); ok {
		if faults := s.struck(c, now, fault.StageRows); len(faults) > 0 {
			return s.mangled(page, faults), append(damage, faults...)
		}
	}
	return jsonReply(http.StatusOK, v), damage
}

// honest answers a call as the platform documents it, without faults.
func (s *Simulator) honest(c call, now time.Time) (any, *apiError) {
	switch c.class {
	case fault.ClassToken:
		return s.grant(c, now)
	case fault.ClassGateway:
		return s.openConnection(c, now)
	}
	if !s.tokens.good(c.token, now) {
		return nil, failure(fault.BadToken)
	}
	switch c.class {
	case fault.ClassMembers:
		return s.members(c, now.UnixMilli())
	case fault.ClassInfo:
		return s.info(c, now.UnixMilli())
	case fault.ClassOrg:
		return s.org(c, now.UnixMilli())
	default:
		return s.query(c, now.UnixMilli())
	}
}

func (s *Simulator) done(c call, requestID string, status int) {
	s.mu.Lock()
	s.stats.answered(c.class, status)
	s.mu.Unlock()
	s.logger.Debug("simulator: call", "class", c.class, "meeting", c.meeting, "status", status, "requestId", requestID)
}

func (s *Simulator) requestID() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.nextRequestID()
}

func (s *Simulator) nextRequestID() string {
	s.requests++
	return fmt.Sprintf("SIM%08X-%08X", s.seed&0xffffffff, s.requests)
}

// reply is what goes back over the wire.
type reply struct {
	status      int
	contentType string
	body        []byte
}

const jsonType = "application/json;charset=utf-8"

func jsonReply(status int, v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		// Every value replied is one of ours and can be marshalled.
		return reply{status: http.StatusInternalServerError, contentType: "text/plain", body: []byte(err.Error())}
	}
	return reply{status: status, contentType: jsonType, body: body}
}

// mangled is a page as the faults that change its content leave it.
func (s *Simulator) mangled(page *memberPage, faults []fault.Fault) reply {
	body, err := page.list.Mangle(faults, s.rng)
	if err != nil {
		// Every page is an object with rows.
		return reply{status: http.StatusInternalServerError, contentType: "text/plain", body: []byte(err.Error())}
	}
	return reply{status: http.StatusOK, contentType: jsonType, body: body}
}

func errorReply(e *apiError, requestID string) reply {
	return jsonReply(e.status, map[string]string{"code": e.code, "message": e.message, "requestid": requestID})
}

// write sends a reply. A client that does not read all of it is not waited for.
func (s *Simulator) write(w http.ResponseWriter, rep reply) {
	h := w.Header()
	h.Set("Content-Type", rep.contentType)
	h.Set("Content-Length", fmt.Sprint(len(rep.body)))
	w.WriteHeader(rep.status)
	_, _ = w.Write(rep.body)
}
