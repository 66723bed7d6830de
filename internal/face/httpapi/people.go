package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/face/access"
	"github.com/c4342123/rollcall/internal/stored/forget"
)

const (
	// maxName is how long an id, a nickname or a text of an order may be, in bytes.
	maxName = 1000
	// defaultNotice is how long consumers are told whom to forget unless the order says otherwise.
	defaultNotice = time.Hour
)

// Someone is whom a request is about.
type Someone struct {
	ID string // a unionId, or a pseudonym
	// Meeting says that the ID is what guests of that meeting are called.
	Meeting string
}

// People knows what is stored about somebody, and erases it; see package forget.
type People interface {
	Person(ctx context.Context, who Someone) (forget.Person, error)
	Erase(ctx context.Context, who Someone, req forget.Request) (forget.Answer, error)
}

// someone reads whom a request is about; false says that it was answered.
func someone(w http.ResponseWriter, r *http.Request) (Someone, bool) {
	who := Someone{ID: r.PathValue("person"), Meeting: r.URL.Query().Get("meeting")}
	if strings.TrimSpace(who.ID) == "" || len(who.ID) > maxName {
		problem.Write(w, http.StatusBadRequest, "the id is empty, or longer than "+strconv.Itoa(maxName)+" bytes")
		return who, false
	}
	if r.URL.Query().Has("meeting") {
		if err := events.CheckConferenceID(who.Meeting); err != nil {
			problem.Write(w, http.StatusBadRequest, "meeting: "+err.Error())
			return who, false
		}
	}
	return who, true
}

// person answers with everything that is stored about somebody.
func (a *api) person(w http.ResponseWriter, r *http.Request) {
	who, ok := someone(w, r)
	format := r.URL.Query().Get("format")
	switch {
	case !ok:
		return
	case format != "" && format != "json" && format != "csv":
		problem.Write(w, http.StatusBadRequest, "format: want json or csv")
		return
	case !a.canAnswer(w):
		return
	}
	found, err := a.opts.People.Person(r.Context(), who)
	if err != nil {
		unavailable(w, err)
		return
	}
	if format == "csv" {
		problem.Head(w, http.StatusOK, "text/csv; charset=utf-8")
		_ = found.CSV(w) // a client that is gone gets no more
		return
	}
	problem.Reply(w, http.StatusOK, jsonType, found)
}

// erase erases somebody, and answers with how much that was. It goes on when the client has gone.
func (a *api) erase(w http.ResponseWriter, r *http.Request) {
	who, ok := someone(w, r)
	if !ok {
		return
	}
	req, wrong := order(r, who)
	switch {
	case wrong != "":
		problem.Write(w, http.StatusBadRequest, wrong)
		return
	case !a.canAnswer(w):
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	defer context.AfterFunc(a.opts.stopping(), cancel)()
	answer, err := a.opts.People.Erase(ctx, who, req)
	if err != nil {
		unavailable(w, err)
		return
	}
	problem.Reply(w, http.StatusOK, jsonType, answer)
}

// order reads an order to erase, or says what is wrong with it.
func order(r *http.Request, who Someone) (req forget.Request, wrong string) {
	query := r.URL.Query()
	req = forget.Request{Reason: query.Get("reason"), By: query.Get("by"), Notice: defaultNotice}
	if req.By == "" {
		req.By = access.From(r.Context()).Name
	}
	if text := query.Get("dryRun"); query.Has("dryRun") {
		var err error
		if req.DryRun, err = strconv.ParseBool(text); err != nil {
			return req, "dryRun: want true or false"
		}
	}
	if text := query.Get("notice"); query.Has("notice") {
		var err error
		if req.Notice, err = time.ParseDuration(text); err != nil || req.Notice < 0 {
			return req, "notice: want a time such as 1h, or 0"
		}
	}
	switch {
	case strings.TrimSpace(req.Reason) == "" && !req.DryRun:
		return req, "reason: is missing; it is kept with what was erased"
	case forget.Tells(req.Reason, who.ID), forget.Tells(query.Get("by"), who.ID):
		return req, "reason, by: names the person; it is kept for good, and must not tell who was erased"
	case len(req.Reason) > maxName, len(req.By) > maxName:
		return req, "reason, by: longer than " + strconv.Itoa(maxName) + " bytes"
	}
	return req, ""
}

func unavailable(w http.ResponseWriter, err error) {
	w.Header().Set("Retry-After", "1")
	problem.Write(w, http.StatusServiceUnavailable, err.Error())
}
