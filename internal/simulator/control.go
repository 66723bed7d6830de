package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// control returns the control API. Replies are JSON; bodies may be JSON or YAML.
func (s *Simulator) control() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/state", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.State()) })
	mux.HandleFunc("GET /_sim/stats", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Stats()) })
	mux.HandleFunc("GET /_sim/truth", s.controlTruth)
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Faults()) })
	mux.HandleFunc("POST /_sim/faults", s.controlFaults)
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /_sim/robots", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, s.Robots()) })
	mux.HandleFunc("POST /_sim/streams", s.controlStreams)
	mux.HandleFunc("PUT /_sim/meetings/{id}", s.controlMeeting)
	mux.HandleFunc("POST /_sim/meetings/{id}/actions", s.controlActions)
	return mux
}

// controlTruth answers GET /_sim/truth?meeting=ID&format=json|yaml|text.
func (s *Simulator) controlTruth(w http.ResponseWriter, r *http.Request) {
	truth := s.Truth()
	if id := r.URL.Query().Get("meeting"); id != "" {
		m, ok := truth.Meeting(id)
		if !ok {
			writeError(w, fmt.Errorf("%w, or not yet: %q", history.ErrNoMeeting, id))
			return
		}
		truth.Meetings = []history.MeetingTruth{m}
	}
	switch format := r.URL.Query().Get("format"); format {
	case "", "json":
		writeJSON(w, http.StatusOK, truth)
	case "text":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, truth.String())
	case "yaml":
		w.Header().Set("Content-Type", "application/yaml")
		_ = yaml.NewEncoder(w).Encode(truth)
	default:
		writeError(w, fmt.Errorf("%w: format is %q, none of json, yaml, text", history.ErrScenario, format))
	}
}

func (s *Simulator) controlFaults(w http.ResponseWriter, r *http.Request) {
	faults, err := readList[fault.Fault](w, r)
	if err == nil {
		faults, err = s.AddFaults(faults...)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, faults)
}

// controlStreams makes one of the stream faults happen to all connections.
func (s *Simulator) controlStreams(w http.ResponseWriter, r *http.Request) {
	var f fault.Fault
	data, err := readControl(w, r)
	if err == nil {
		err = decodeStrict(data, &f)
	}
	n := 0
	if err == nil {
		n, err = s.DisturbStreams(f)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"connections": n})
}

func (s *Simulator) controlMeeting(w http.ResponseWriter, r *http.Request) {
	var plan history.Plan
	data, err := readControl(w, r)
	if err == nil {
		err = decodeStrict(data, &plan)
	}
	id := r.PathValue("id")
	if err == nil && plan.ID != "" && plan.ID != id {
		err = fmt.Errorf("%w: the path names meeting %q, the body %q", history.ErrScenario, id, plan.ID)
	}
	if err == nil {
		plan.ID = id
		err = s.AddMeeting(plan)
	}
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusCreated, map[string]string{"conferenceId": id})
}

// ActionsReply is what the control API answers to live actions.
type ActionsReply struct {
	Done    []history.Action `json:"done"`    // with their times
	Dropped []history.Action `json:"dropped"` // what had been planned for later and can no longer happen
}

func (s *Simulator) controlActions(w http.ResponseWriter, r *http.Request) {
	batch, err := readList[history.LiveAction](w, r)
	if err != nil {
		writeError(w, err)
		return
	}
	done, dropped, err := s.Do(r.PathValue("id"), batch...)
	if err != nil {
		writeError(w, err)
		return
	}
	writeJSON(w, http.StatusOK, ActionsReply{Done: done, Dropped: append([]history.Action{}, dropped...)})
}

func readControl(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxScenarioBytes))
	if err != nil {
		return nil, fmt.Errorf("%w: read the body: %w", history.ErrScenario, err)
	}
	return data, nil
}

// readList reads one T, or a list of them.
func readList[T any](w http.ResponseWriter, r *http.Request) ([]T, error) {
	data, err := readControl(w, r)
	if err != nil {
		return nil, err
	}
	var list []T
	if trimmed := bytes.TrimSpace(data); bytes.HasPrefix(trimmed, []byte("[")) || bytes.HasPrefix(trimmed, []byte("-")) {
		err = decodeStrict(data, &list)
	} else {
		list = make([]T, 1)
		err = decodeStrict(data, &list[0])
	}
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: the list is empty", history.ErrScenario)
	}
	return list, err
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

func writeError(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		status = http.StatusRequestEntityTooLarge
	case errors.Is(err, history.ErrNoMeeting):
		status = http.StatusNotFound
	case errors.Is(err, history.ErrExists):
		status = http.StatusConflict
	}
	writeJSON(w, status, map[string]string{"error": err.Error()})
}
