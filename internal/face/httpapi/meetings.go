package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/fleet/peers"
	"github.com/c4342123/rollcall/poller"
)

// maxTitle is the longest title that is taken, in characters.
const maxTitle = 256

const jsonType = "application/json"

func (a *api) get(w http.ResponseWriter, r *http.Request) {
	id, ok := conferenceID(w, r)
	if !ok || !a.canAnswer(w) {
		return
	}
	status, state, err := a.opts.Meetings.Meeting(r.Context(), id)
	switch {
	case errors.Is(err, poller.ErrNotWatched):
		a.notWatched(w, r, id)
	case err != nil:
		fail(w, id, err)
	default:
		problem.Reply(w, http.StatusOK, jsonType, oneMeetingBody{meetingBodyOf(status), nil, roster(state)})
	}
}

func (a *api) put(w http.ResponseWriter, r *http.Request) {
	id, ok := conferenceID(w, r)
	if !ok {
		return
	}
	title, status, err := readTitle(w, r)
	if err != nil {
		problem.Write(w, status, err.Error())
		return
	}
	if !a.canAnswer(w) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
	defer cancel()
	created, err := a.opts.Meetings.Watch(ctx, id, title)
	if err != nil {
		fail(w, id, err)
		return
	}
	status = http.StatusOK
	if created {
		status = http.StatusCreated
		w.Header().Set("Location", "/v1/meetings/"+id)
	}
	body := meetingBodyOf(peers.Meeting{Status: poller.Status{ConferenceID: id, Title: title}})
	if current, _, err := a.opts.Meetings.Meeting(ctx, id); err == nil {
		body = meetingBodyOf(current)
	}
	problem.Reply(w, status, jsonType, body)
}

func (a *api) delete(w http.ResponseWriter, r *http.Request) {
	id, ok := conferenceID(w, r)
	if !ok || !a.canAnswer(w) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), changeTimeout)
	defer cancel()
	if err := a.opts.Meetings.Unwatch(ctx, id); err != nil {
		fail(w, id, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// canAnswer tells whether the service can answer, or answers that it cannot yet.
func (a *api) canAnswer(w http.ResponseWriter) bool {
	err := a.opts.notReady()
	if err != nil {
		fail(w, "", err)
	}
	return err == nil
}

// conferenceID reads the meeting from the path, or answers 400.
func conferenceID(w http.ResponseWriter, r *http.Request) (string, bool) {
	id := r.PathValue("id")
	if err := events.CheckConferenceID(id); err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error())
		return "", false
	}
	return id, true
}

// readTitle reads the optional body {"title"}, or says with which status it is refused. The
// Content-Type does not matter: many clients send JSON under that of a form.
func readTitle(w http.ResponseWriter, r *http.Request) (title string, status int, err error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return "", http.StatusRequestEntityTooLarge, fmt.Errorf("the body is over %d bytes", tooLarge.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "", http.StatusRequestTimeout, fmt.Errorf("the body did not arrive within %v", readTimeout)
	case err != nil:
		return "", http.StatusBadRequest, fmt.Errorf("the body cannot be read: %w", err)
	}
	title, err = parseTitle(bytes.TrimSpace(data))
	switch {
	case err != nil:
		return "", http.StatusBadRequest, fmt.Errorf(`the body is not {"title": "…"}: %w`, err)
	case utf8.RuneCountInString(title) > maxTitle:
		return "", http.StatusBadRequest, fmt.Errorf("the title is over %d characters", maxTitle)
	}
	return title, 0, nil
}

// parseTitle reads one JSON object that holds a title and nothing else. No text at all is no title.
func parseTitle(text []byte) (string, error) {
	var body struct {
		Title string `json:"title"`
	}
	switch {
	case len(text) == 0:
		return "", nil
	case text[0] != '{':
		return "", errors.New("it is no object")
	}
	if err := json.Unmarshal(text, &body, json.RejectUnknownMembers(true)); err != nil {
		return "", bodyError(err, text)
	}
	return body.Title, nil
}

// bodyError says what is wrong with a body without Go's words for it.
func bodyError(err error, text []byte) error {
	var syntax *jsontext.SyntacticError
	var shape *json.SemanticError
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("the title comes twice")
	case errors.Is(err, json.ErrUnknownName) && errors.As(err, &shape):
		return fmt.Errorf("there is no %q in it", shape.JSONPointer.LastToken())
	case errors.As(err, &shape):
		return errors.New("the title is no text")
	case !utf8.Valid(text):
		return errors.New("it is no UTF-8")
	case !errors.As(err, &syntax):
		return errors.New("it cannot be read")
	case syntax.ByteOffset >= int64(len(text)):
		return errors.New("it ends too early, within the title or before its brace")
	}
	first := jsontext.NewDecoder(bytes.NewReader(text))
	if value, err := first.ReadValue(); err == nil && syntax.ByteOffset >= int64(len(value)) {
		return fmt.Errorf("something stands after it, at byte %d", syntax.ByteOffset)
	}
	return fmt.Errorf("it is no JSON at byte %d", syntax.ByteOffset)
}

// fail answers what could not be done; id is the meeting's, if it is about one.
func fail(w http.ResponseWriter, id string, err error) {
	switch {
	case errors.Is(err, poller.ErrNotWatched):
		problem.Write(w, http.StatusNotFound, notWatched(id))
	case errors.Is(err, events.ErrConferenceID):
		problem.Write(w, http.StatusBadRequest, err.Error())
	default:
		w.Header().Set("Retry-After", "1")
		problem.Write(w, http.StatusServiceUnavailable, err.Error())
	}
}

func notWatched(id string) string { return "meeting " + id + " is not watched" }
